"""Wave64: chunks named by 16 bytes, their lengths of 64 bits with the heads, aligned to 8 bytes."""

from __future__ import annotations

import struct
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import Extent, amended, bytes_at, is_open, measured, size_of

_HEAD = 24


def w64_extent(stream: BinaryIO) -> Extent:
    """Return how much sound a Wave64 file holds."""
    end, position = size_of(stream), 40
    while position + _HEAD <= end:
        identity, size = struct.unpack("<16sQ", bytes_at(stream, position, _HEAD))
        start = position + _HEAD
        if identity[:4] == b"data":
            promised, found = max(0, size - _HEAD), end - start
            if not is_open(promised, found, 64) and not is_open(promised, found):
                return measured(promised, found)
            return amended(stream, start, {16: struct.pack("<Q", end), start - 8: struct.pack("<Q", found + _HEAD)})
        position += max(_HEAD, -(-size // 8) * 8)
    return Extent()
