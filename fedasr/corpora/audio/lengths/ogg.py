"""Ogg: pages, of which the last of a stream is marked (RFC 3533)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import Extent, bytes_at, size_of

_HEAD = 27
_FIRST, _LAST = 2, 4


@dataclass(frozen=True)
class _Page:
    flags: int
    is_whole: bool


def ogg_extent(stream: BinaryIO) -> Extent:
    """Return whether an Ogg file holds one stream, to its end."""
    pages = list(_pages(stream))
    if pages and not (pages[-1].is_whole and pages[-1].flags & _LAST):
        return Extent("truncated audio: the last page is not marked as the end of the stream; copy the file again")
    if sum(bool(page.flags & _FIRST) for page in pages) > 1:
        return Extent("several Ogg streams in one file; convert it to FLAC, or part it")
    return Extent()


def _pages(stream: BinaryIO) -> Iterator[_Page]:
    """Yield the pages; what follows the last one is no page."""
    end, position = size_of(stream), 0
    while len(head := bytes_at(stream, position, _HEAD)) == _HEAD and head.startswith(b"OggS"):
        flags, segments = head[5], head[26]
        sizes = stream.read(segments)
        position += _HEAD + segments + sum(sizes)
        yield _Page(flags, len(sizes) == segments and position <= end)
    if b"OggS".startswith(head[:4]) and head:
        yield _Page(0, False)
