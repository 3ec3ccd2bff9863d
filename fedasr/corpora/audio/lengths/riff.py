"""WAV: chunks of RIFF, of RIFX (big-endian), and of RF64 with lengths of 64 bits (EBU Tech 3306)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import (
    Extent,
    amended,
    bytes_at,
    chunk_at,
    is_open,
    left_over,
    measured,
    size_of,
)

_LARGEST = 2**32 - 1


def riff_extent(stream: BinaryIO) -> Extent:
    """Return how much sound a WAV file holds."""
    end = size_of(stream)
    order = ">" if bytes_at(stream, 0, 4) == b"RIFX" else "<"
    long_form = None
    for identity, position, promised in _chunks(stream, order, end):
        if identity == b"ds64":
            long_form = position
        if identity == b"data":
            if long_form is not None and promised == _LARGEST:
                return _long(stream, long_form, position, end)
            return _short(stream, order, position, promised, end)
    return Extent()


def _chunks(stream: BinaryIO, order: str, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk, where its content begins, and how long it says it is."""
    position = 12
    while position + 8 <= end:
        identity, promised = struct.unpack(f"{order}4sI", bytes_at(stream, position, 8))
        yield identity, position + 8, promised
        position += 8 + promised + promised % 2


def _short(stream: BinaryIO, order: str, start: int, promised: int, end: int) -> Extent:
    found = end - start
    if not is_open(promised, found) or (promised == 0 and chunk_at(stream, start, f"{order}4sI")):
        short = measured(promised, found)
        return short if short.fault else left_over(stream, start + promised, f"{order}4sI")
    sizes = {4: end - 8, start - 4: found}
    return amended(stream, start, {at: struct.pack(f"{order}I", min(size, _LARGEST)) for at, size in sizes.items()})


def _long(stream: BinaryIO, long_form: int, start: int, end: int) -> Extent:
    found = end - start
    (promised,) = struct.unpack("<Q", bytes_at(stream, long_form + 8, 8))
    if not is_open(promised, found, 64) and not is_open(promised, found):
        short = measured(promised, found)
        return short if short.fault else left_over(stream, start + promised, "<4sI")
    return amended(stream, start, {long_form: struct.pack("<QQQ", end - 8, found, 0)})
