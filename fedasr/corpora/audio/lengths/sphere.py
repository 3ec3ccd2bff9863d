"""NIST SPHERE: a head of lines of text, then samples."""

from __future__ import annotations

import re
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import Extent, bytes_at, is_open, left_over, measured, size_of

_FIELD = re.compile(rb"^(\w+) -(?:i|s\d+) (-?\d+)\s*$", re.MULTILINE)


def sphere_extent(stream: BinaryIO) -> Extent:
    """Return how much sound a SPHERE file holds; where samples are packed, libsndfile refuses it."""
    size = re.match(rb"NIST_1A\s+(\d+)", bytes_at(stream, 0, 16))
    if size is None:
        return Extent()
    start = int(size[1])
    fields = {name: int(value) for name, value in _FIELD.findall(bytes_at(stream, 0, start))}
    promised = fields.get(b"sample_count", 0) * fields.get(b"channel_count", 1) * fields.get(b"sample_n_bytes", 1)
    found = max(0, size_of(stream) - start)
    # libsndfile goes by the size of the file, so that it must not see what follows.
    if promised <= 0 or is_open(promised, found):
        return Extent()
    wrong = measured(promised, found) if found <= promised else left_over(stream, start + promised)
    if wrong.fault or found == promised:
        return wrong
    return Extent(head=bytes_at(stream, 0, start + promised), skip=start + found)
