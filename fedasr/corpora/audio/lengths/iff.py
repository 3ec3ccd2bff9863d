"""AIFF, AIFF-C and 8SVX: big-endian chunks of IFF."""

from __future__ import annotations

import struct
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import Extent, amended, bytes_at, is_open, left_over, measured, size_of

# An SSND chunk begins with an offset and a block size.
_BEFORE_SAMPLES = {b"SSND": 8, b"BODY": 0}
# How AIFF-C names samples that are as long as they say; AIFF has no name.
_UNPACKED = (b"", b"NONE", b"sowt", b"twos", b"fl32", b"FL32", b"fl64", b"FL64", b"in24", b"in32")


def iff_extent(stream: BinaryIO) -> Extent:
    """Return how much sound an AIFF file holds."""
    end, position, stated = size_of(stream), 12, 0
    while position + 8 <= end:
        identity, promised = struct.unpack(">4sI", bytes_at(stream, position, 8))
        start = position + 8
        if identity == b"COMM":
            stated = _stated_bytes(bytes_at(stream, start, min(promised, 22)))
        if identity in _BEFORE_SAMPLES:
            before, found = _BEFORE_SAMPLES[identity], end - start
            if not is_open(max(0, promised - before), found - before):
                short = measured(max(promised, stated + before), min(promised, found))
                return short if short.fault else left_over(stream, start + promised, ">4sI")
            return amended(stream, start, {4: struct.pack(">I", end - 8), start - 4: struct.pack(">I", found)})
        position = start + promised + promised % 2
    return Extent()


def _stated_bytes(common: bytes) -> int:
    """Return how many bytes of samples a COMM chunk states; 0 where they are packed."""
    if len(common) < 18 or common[18:] not in _UNPACKED:
        return 0
    channels, frames, bits = struct.unpack(">hIh", common[:8])
    return int(max(0, channels) * frames * -(-max(0, bits) // 8))
