"""Core Audio: chunks with lengths of 64 bits; -1 is a last chunk that goes on to the end of the file."""

from __future__ import annotations

import struct
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import Extent, amended, bytes_at, left_over, measured, size_of


def caf_extent(stream: BinaryIO) -> Extent:
    """Return how much sound a CAF file holds."""
    end, position = size_of(stream), 8
    while position + 12 <= end:
        identity, promised = struct.unpack(">4sq", bytes_at(stream, position, 12))
        start = position + 12
        if identity == b"data":
            found = end - start
            if promised > 0:
                short = measured(promised, found)
                return short if short.fault else left_over(stream, start + promised, ">4sq")
            return amended(stream, start, {start - 8: struct.pack(">q", found)}) if found else Extent()
        position = start + max(0, promised)
    return Extent()
