"""AU, Sun's and NeXT's: a head of 24 bytes or more, then samples."""

from __future__ import annotations

import struct
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import Extent, amended, bytes_at, is_open, left_over, measured, size_of


def au_extent(stream: BinaryIO) -> Extent:
    """Return how much sound an AU file holds."""
    head = bytes_at(stream, 0, 12)
    if len(head) < 12:
        return Extent()
    order = "<" if head.startswith(b"dns.") else ">"
    start, promised = struct.unpack(f"{order}II", head[4:])
    found = max(0, size_of(stream) - start)
    if not is_open(promised, found):
        short = measured(promised, found)
        return short if short.fault else left_over(stream, start + promised)
    return amended(stream, 24, {8: struct.pack(f"{order}I", found)})
