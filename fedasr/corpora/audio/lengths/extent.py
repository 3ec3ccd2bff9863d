"""What an examination of a container finds."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")
"""How the tags begin that players put behind any audio."""

_LOOKED_AT, _FEW = 4096, 1025


@dataclass(frozen=True)
class Extent:
    """How much sound a file holds, as far as its container tells.

    Parameters
    ----------
    fault : str
        Why it cannot be used: ``"truncated audio: …"``.
    head : bytes
        What libsndfile is given in the place of the first `skip` bytes, where the file's own do not tell its length.
    skip : int
    """

    fault: str = ""
    head: bytes = b""
    skip: int = 0


def measured(promised: int, found: int) -> Extent:
    """Return the extent of a file whose header promises so many bytes."""
    if found < promised:
        return Extent(f"truncated audio: the header says {promised} bytes, found {found}; copy the file again")
    return Extent()


def left_over(stream: BinaryIO, position: int, order: str = "") -> Extent:
    """Return a fault where sound goes on behind the length that is told: chunks, tags, zeros and few bytes are none.

    Lengths above 4 GiB start again from 0, and recorders that are killed leave the length of some time before.

    Parameters
    ----------
    stream : BinaryIO
    position : int
        Where the samples end by the header.
    order : str
        ``"<4sI"`` or the like: how another chunk would begin here, which is no fault.
    """
    behind = bytes_at(stream, position, _LOOKED_AT)
    is_chunk = bool(order) and _is_chunk(stream, position, order)
    if len(behind) < _FEW or not any(behind) or behind.startswith(TAGS) or is_chunk:
        return Extent()
    told = f"{size_of(stream) - position} bytes follow the audio that the header tells of"
    return Extent(f"{told}; write the header anew (sox --ignore-length), or cut them off")


def _is_chunk(stream: BinaryIO, position: int, order: str) -> bool:
    """Return whether a chunk begins here, or a byte later, where the filling byte was forgotten or added."""
    return any(chunk_at(stream, start, order) for start in (position, position + 1))


def chunk_at(stream: BinaryIO, position: int, order: str) -> bool:
    """Return whether a chunk begins here that does not go beyond the end."""
    head = bytes_at(stream, position, struct.calcsize(order))
    if len(head) < struct.calcsize(order) or not all(32 <= letter < 127 for letter in head[:4]):
        return False
    return bool(position + len(head) + struct.unpack(order, head)[1] <= size_of(stream) + 1)


def is_open(promised: int, found: int, bits: int = 32) -> bool:
    """Return whether a length was never written: 0, or near the largest number that fits its place.

    Programs that write to a pipe, or are killed, leave such lengths.

    Parameters
    ----------
    promised, found : int
        Bytes, by the header and to the end of the file.
    bits : int
        Of the place for the length.
    """
    slack = 2 ** (bits - 8)
    near = 2 ** (bits - 1) - slack <= promised <= 2 ** (bits - 1) or promised >= 2**bits - slack
    return found > 0 and (promised == 0 or (promised > found and near))


def size_of(stream: BinaryIO) -> int:
    """Return how many bytes a stream holds."""
    return stream.seek(0, io.SEEK_END)


def bytes_at(stream: BinaryIO, position: int, count: int) -> bytes:
    """Return some bytes; fewer at the end."""
    stream.seek(position)
    return stream.read(count)


def amended(stream: BinaryIO, length: int, amendments: dict[int, bytes]) -> Extent:
    """Return an extent whose first bytes are amended.

    Parameters
    ----------
    stream : BinaryIO
    length : int
        How many bytes the header takes.
    amendments : dict
        New bytes by position.
    """
    head = bytearray(bytes_at(stream, 0, length))
    for position, content in amendments.items():
        head[position : position + len(content)] = content
    return Extent(head=bytes(head), skip=length)
