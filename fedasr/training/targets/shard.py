"""One sealed shard, mapped read-only; what is read of it is checked first."""

from __future__ import annotations

import mmap
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import RowError, UserError, told_of
from fedasr.training.targets import layout
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.top import TopTargets

_LONGEST_HEADER_BYTES = 1 << 16


@dataclass(frozen=True, eq=False)
class Shard:
    """The utterances of one file.

    Attributes
    ----------
    path : Path
    binding : TargetBinding
    footer : layout.Footer
    content : array of uint8
        The whole file, mapped.
    first_N, second_N, offset_N, frames_N, crc_N : array
        The index, a row an utterance, sorted by the two halves of the hash; parts of `content`.
    """

    path: Path
    binding: TargetBinding
    footer: layout.Footer
    content: NDArray[np.uint8]
    first_N: NDArray[np.uint64]
    second_N: NDArray[np.uint64]
    offset_N: NDArray[np.uint64]
    frames_N: NDArray[np.uint32]
    crc_N: NDArray[np.uint32]

    def top(self, row: int) -> TopTargets:
        """Return the targets of a row, views into the file.

        Raises
        ------
        RowError
            Where the block, or its row of the index, is damaged.
        """
        frames, kept = int(self.frames_N[row]), self.binding.kept
        offset, pairs = int(self.offset_N[row]), frames * kept
        block = self.content[offset : offset + layout.block_bytes(frames, kept)]
        key = layout.start_of_crc(int(self.first_N[row]), int(self.second_N[row]), offset, frames)
        if (
            offset + layout.block_bytes(frames, kept) > self.footer.index
            or zlib.crc32(block.data, key) != self.crc_N[row]
        ):
            raise RowError(f"{self.path}: targets are damaged (bytes from {offset}); remove the file and run again")
        halves = block.view("<f2")
        return TopTargets(
            halves[:pairs].reshape(frames, kept),
            halves[pairs : 2 * pairs].view("<u2").reshape(frames, kept),
            halves[2 * pairs :],
        )

    def check_index(self) -> None:
        """Read the whole index, and refuse a damaged one.

        Raises
        ------
        RowError
            Where it is not what was sealed.
        """
        if zlib.crc32(self.content[self.footer.index : -layout.FOOTER_BYTES].data) != self.footer.index_crc:
            raise RowError(f"{self.path}: the index of targets is damaged; remove the file and run again")


def open_shard(path: Path) -> Shard:
    """Return a sealed shard.

    Raises
    ------
    UserError
        Where the file cannot be read, is no shard, is of a newer format, cut off or damaged at either end.
    """
    with told_of(str(path)):
        try:
            with path.open("rb") as file:
                beginning = file.read(_LONGEST_HEADER_BYTES)
                binding, start = layout.read_header(beginning)
                length = file.seek(0, os.SEEK_END)
                file.seek(max(0, length - layout.FOOTER_BYTES))
                footer = layout.Footer.from_bytes(file.read())
                _refuse_damaged(footer, beginning[:start], length)
                content = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        except OSError as error:
            raise UserError(f"cannot be read: {error.strerror}") from error
    assert footer is not None
    return Shard(path, binding, footer, content, *_columns(content, footer))


def _refuse_damaged(footer: layout.Footer | None, header: bytes, length: int) -> None:
    if footer is None:
        raise UserError("its end is missing or damaged; remove the file, and its targets are made anew")
    if zlib.crc32(header) != footer.header_crc or length != footer.index + _rest_bytes(footer):
        raise UserError("its beginning and its end do not fit each other; remove the file, and it is made anew")


def _rest_bytes(footer: layout.Footer) -> int:
    return footer.utterances * layout.ROW_BYTES + layout.FOOTER_BYTES


def _columns(content: NDArray[np.uint8], footer: layout.Footer) -> list[NDArray[Any]]:
    place, columns = footer.index, []
    for kind in layout.COLUMNS:
        stop = place + footer.utterances * kind.itemsize
        columns.append(content[place:stop].view(kind))
        place = stop
    return columns
