"""The first frame of an MP3 file that holds the number of frames instead of sound: by Xing, LAME or Fraunhofer."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from fedasr.corpora.audio.lengths.mpeg_header import MpegHeader, parse_header

_FRAMES, _BYTES = 1, 2
_FRAUNHOFER_PLACE = 36
# 128 or 256 kbit/s: such a frame has room for a tag at every rate.
_ROOMY_BITRATE = 12


@dataclass(frozen=True)
class FrameTag:
    """What a first frame tells.

    Parameters
    ----------
    frames, bytes : int
        Of the whole file; 0 where it does not say.
    is_xing : bool
        Whether it is in Xing's form, which libsndfile reads.
    """

    frames: int
    bytes: int
    is_xing: bool


def read_tag(content: bytes, position: int, header: MpegHeader) -> FrameTag | None:
    """Return what a frame tells, or None where it holds sound."""
    place = position + header.side
    if content[place : place + 4] in (b"Xing", b"Info"):
        flags, *numbers = struct.unpack(">III", content[place + 4 : place + 16].ljust(12, b"\0"))
        frames = numbers.pop(0) if flags & _FRAMES else 0
        return FrameTag(frames, numbers[0] if flags & _BYTES else 0, True)
    if content.startswith(b"VBRI", position + _FRAUNHOFER_PLACE):
        size, frames = struct.unpack(">II", content[position + 46 : position + 54].ljust(8, b"\0"))
        return FrameTag(frames, size, False)
    return None


def counting_frame(
    content: bytes, position: int, header: MpegHeader, tag: FrameTag | None, frames: int, sound: int
) -> bytes:
    """Return a first frame that tells the right number of frames.

    Parameters
    ----------
    content : bytes
        The file.
    position : int
    header : MpegHeader
        Of its first frame.
    tag : FrameTag or None
        What that frame tells. Where it has Xing's form the coder's delay is kept with it.
    frames, sound : int
        How many frames of sound there are, and bytes in them.
    """
    if tag is not None and tag.is_xing and tag.frames:
        own, place = content[position : position + header.size], header.side + 8
        told = struct.pack(">II", frames, len(own) + sound)[: 8 if tag.bytes else 4]
        return own[:place] + told + own[place + len(told) :]
    # Without checksum, of a bit rate with room enough, of the kind and the channels of the sound.
    head = bytearray(content[position : position + 4])
    head[1] |= 1
    head[2] = _ROOMY_BITRATE << 4 | head[2] & 0x0C
    made = parse_header(bytes(head), 0)
    assert made is not None
    told = bytes(head).ljust(made.side, b"\0") + b"Xing" + struct.pack(">II", _FRAMES, frames)
    return told.ljust(made.size, b"\0")
