"""AIFF, AIFF-C and 8SVX: big-endian chunks of IFF."""

from __future__ import annotations

import struct
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import Extent, amended, bytes_at, is_open, measured, size_of

# An SSND chunk begins with an offset and a block size.
_BEFORE_SAMPLES = {b"SSND": 8, b"BODY": 0}


def iff_extent(stream: BinaryIO) -> Extent:
    """Return how much sound an AIFF file holds."""
    end, position = size_of(stream), 12
    while position + 8 <= end:
        identity, promised = struct.unpack(">4sI", bytes_at(stream, position, 8))
        start = position + 8
        if identity in _BEFORE_SAMPLES:
            before, found = _BEFORE_SAMPLES[identity], end - start
            if not is_open(max(0, promised - before), found - before):
                return measured(promised, found)
            return amended(stream, start, {4: struct.pack(">I", end - 8), start - 4: struct.pack(">I", found)})
        position = start + promised + promised % 2
    return Extent()
