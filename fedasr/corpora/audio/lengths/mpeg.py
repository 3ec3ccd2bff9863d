"""MPEG audio (MP3): frame after frame, each with its length; the first may hold their number instead of sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import TAGS, Extent
from fedasr.corpora.audio.lengths.id3 import after_tags
from fedasr.corpora.audio.lengths.mpeg_header import MpegHeader, parse_header
from fedasr.corpora.audio.lengths.mpeg_tag import counting_frame, read_tag

_SEARCHED = 2**16
_ID3V1 = 128
_MEND = "convert the file to WAV or FLAC"

Frame = tuple[int, MpegHeader]
"""Where a frame begins, and what its head says."""


def mpeg_extent(stream: BinaryIO) -> Extent:
    """Count the frames of an MPEG file; of what is none nothing is said.

    libsndfile believes the first frame's count, or guesses from the first frames' sizes: where the count is not
    there, or too small, it is given one that is right.
    """
    stream.seek(0)
    if not _may_be_mpeg(stream.read(3)):
        return Extent()
    stream.seek(0)
    content = stream.read()
    first = _first_frame(content)
    if first is None:
        return Extent()
    if first[1].size == 0:
        return Extent(f"free-format MPEG, whose length nobody knows; {_MEND}")
    frames = list(_frames(content, first))
    end = frames[-1][0] + frames[-1][1].size
    if end > len(content):
        return Extent(f"truncated audio: its last frame wants {end - len(content)} bytes more; copy the file again")
    if _other_stream(content, end, first[1]):
        return Extent(f"another sampling rate or layer in the middle of the file; {_MEND}")
    return _counted(content, frames) if first[1].is_layer_3 else _guessed(frames)


def _may_be_mpeg(start: bytes) -> bool:
    return start == b"ID3" or (len(start) == 3 and start[0] == 0xFF and start[1] >= 0xE0)


def _first_frame(content: bytes) -> Frame | None:
    """Return the first frame: after the ID3 tags, where another of its kind follows or the file ends."""
    position = start = after_tags(content, 0)
    if content.startswith(b"fLaC", start):
        return None
    header = parse_header(content, position)
    if header is not None and (header.size == 0 or start + header.size >= len(content)):
        return start, header
    while 0 <= position <= start + (_SEARCHED if start else 0):
        header = parse_header(content, position)
        if header is not None and header.size and _is_followed(content, position + header.size, header):
            return position, header
        position = content.find(b"\xff", position + 1)
    return None


def _is_followed(content: bytes, end: int, header: MpegHeader) -> bool:
    following = parse_header(content, end)
    return _is_tag(content, end) or (following is not None and following.kind == header.kind)


def _frames(content: bytes, first: Frame) -> Iterator[Frame]:
    """Yield the frames of the first one's kind; the last may go on beyond the end of the file."""
    position, kind = first[0], first[1].kind
    while position < len(content):
        header = parse_header(content, position)
        if header is not None and header.kind == kind and header.size:
            yield position, header
            position += header.size
        elif content[position] == 0xFF and len(content) - position < 4:
            yield position, first[1]  # a head cut short
            return
        else:
            position = _next_frame(content, after_tags(content, position), kind)


def _next_frame(content: bytes, position: int, kind: tuple[int, int, int]) -> int:
    """Return where the next frame of a kind begins that another follows, or the end."""
    position = content.find(b"\xff", position)
    while position >= 0:
        header = parse_header(content, position)
        if header is not None and header.kind == kind and header.size:
            following = parse_header(content, position + header.size)
            if following is not None and following.kind == kind:
                return position
        position = content.find(b"\xff", position + 1)
    return len(content)


def _other_stream(content: bytes, end: int, first: MpegHeader) -> bool:
    """Return whether frames of another kind follow."""
    following = _first_frame(content[after_tags(content, end) :])
    return following is not None and following[1].kind != first.kind and following[0] == 0


def _is_tag(content: bytes, position: int) -> bool:
    return content.startswith(TAGS, position)


def _counted(content: bytes, frames: Sequence[Frame]) -> Extent:
    """Compare the count of the first frame with the frames that are there."""
    tags = [read_tag(content, *frame) for frame in frames]
    sound = [frame for frame, tag in zip(frames, tags, strict=True) if tag is None]
    tag, end = tags[0], frames[-1][0] + frames[-1][1].size
    if not sound:
        return Extent("no samples in this audio file; remove it from the corpus")
    if tag is not None and tag.frames > len(sound) and not 0 < tag.bytes <= end - frames[0][0]:
        told = f"the header says {tag.frames} frames, found {len(sound)}"
        return Extent(f"truncated audio: {told}; copy the file again")
    is_right = tag is not None and tag.is_xing and tag.frames == len(sound)
    if is_right and _is_contiguous(frames) and end >= len(content) - _ID3V1:
        return Extent()
    # Nothing but frames: no second file's tags, and nothing behind the last.
    kept = b"".join(content[position : position + header.size] for position, header in sound)
    return Extent(head=counting_frame(content, *frames[0], tag, len(sound), len(kept)) + kept, skip=len(content))


def _is_contiguous(frames: Sequence[Frame]) -> bool:
    return all(position + header.size == after for (position, header), (after, _) in pairwise(frames))


def _guessed(frames: Sequence[Frame]) -> Extent:
    """Layers I and II have no place for a count: a guess is right where all frames are as long."""
    sizes = {header.size for _, header in frames}
    return Extent(f"MPEG of a variable bit rate without a length; {_MEND}") if max(sizes) - min(sizes) > 4 else Extent()
