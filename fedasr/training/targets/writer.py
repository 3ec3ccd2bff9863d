"""Writing one shard: nobody sees it before it is whole."""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from fedasr.common.errors import UserError
from fedasr.common.files import disk_error
from fedasr.training.targets import layout
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.rows import Rows
from fedasr.training.targets.top import TopTargets

_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class ShardFacts:
    """How much a sealed shard holds.

    Attributes
    ----------
    utterances, frames : int
    bytes : int
        Of the file.
    """

    utterances: int
    frames: int
    bytes: int


class ShardWriter:
    """One shard, append-only; a context manager that throws away what was not sealed.

    The shard is written to a hidden file beside its place, which `seal` moves there; a shard that has the name is
    replaced. What a killed writer of the same shard left behind is removed: its lock went with it.

    Parameters
    ----------
    path : Path
        Ends in ``.targets``. Each writer needs its own.
    binding : TargetBinding

    Raises
    ------
    UserError
        Here and in every method, where the disk is full or the folder may not be written to; nothing is left behind.
    """

    def __init__(self, path: Path, binding: TargetBinding) -> None:
        if path.suffix != layout.SUFFIX:
            raise ValueError(f"{path}: the name of a shard of targets ends in {layout.SUFFIX}")
        self._path, self._kept, self._outputs = path, binding.kept, binding.outputs
        self._header = layout.header(binding)
        self._rows = Rows()
        self._offset = 0
        self._temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
        self._file: BinaryIO | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(path)
            self._file = self._temporary.open("xb", buffering=_BUFFER_BYTES)
        except OSError as error:
            raise disk_error(path, error) from error
        with suppress(OSError):  # a file system without locks has no sweeping either
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._write(self._header)

    def add(self, utterance_id: str, top: TopTargets) -> None:
        """Append the targets of an utterance.

        Raises
        ------
        UserError
            Where the shard has the utterance already, or the disk refuses.
        ValueError
            Where the targets are not of the binding's k and outputs, or their parts do not fit each other.
        """
        frames = len(top.log_tail_T)
        if top.log_probabilities_TK.shape != (frames, self._kept) or top.indices_TK.shape != (frames, self._kept):
            raise ValueError(f"targets of {utterance_id!r}: {frames} frames of {self._kept} outputs are to be added")
        if top.indices_TK.max(initial=0) >= self._outputs:
            raise ValueError(f"targets of {utterance_id!r}: there are {self._outputs} outputs")
        first, second = layout.hashed(utterance_id)
        block = b"".join((
            top.log_probabilities_TK.astype("<f2").tobytes(),
            top.indices_TK.astype("<u2").tobytes(),
            top.log_tail_T.astype("<f2").tobytes(),
        ))  # fmt: skip
        crc = zlib.crc32(block, layout.start_of_crc(first, second, self._offset, frames))
        if not self._rows.add(first, second, self._offset, frames, crc):
            raise UserError(f"{self._path}: targets of utterance {utterance_id!r} were added twice")
        self._write(block)

    def seal(self) -> ShardFacts:
        """Write the index, and move the shard to its place once it lies on the disk; nothing can be added to it."""
        self._write(bytes(-self._offset % 8))
        index, crc, place = self._rows.sorted_columns(), 0, self._offset
        for column in index:
            crc = zlib.crc32(column.data, crc)
            self._write(column.data)
        utterances, frames = len(self._rows), self._rows.frames
        self._write(layout.Footer(utterances, frames, place, crc, zlib.crc32(self._header)).to_bytes())
        self._publish()
        return ShardFacts(utterances, frames, self._offset)

    def discard(self) -> None:
        """Throw away what was written; of a sealed shard nothing."""
        if self._file is not None:
            with suppress(OSError):  # closing writes what is buffered, and the disk may be full
                self._file.close()
            with suppress(OSError):
                self._temporary.unlink()
            self._file = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _write(self, content: bytes | memoryview) -> None:
        file = self._opened()
        try:
            file.write(content)
        except OSError as error:
            self.discard()
            raise disk_error(self._path, error) from error
        self._offset += memoryview(content).nbytes

    def _publish(self) -> None:
        file = self._opened()
        try:
            file.flush()
            os.fsync(file.fileno())
            os.replace(self._temporary, self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise disk_error(self._path, error) from error
        finally:
            self.discard()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise ValueError(f"{self._path}: sealed or thrown away, nothing more can be written")
        return self._file


def _sync_folder(folder: Path) -> None:
    """Have the folder's new name of the shard survive a power cut."""
    with suppress(OSError):  # not every file system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sweep(path: Path) -> None:
    """Remove what writers of this shard left behind that are no more: nobody holds its lock."""
    for left in path.parent.glob(f".{glob.escape(path.name)}-*"):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
