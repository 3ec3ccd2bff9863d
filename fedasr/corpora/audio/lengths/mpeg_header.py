"""The head of an MPEG audio frame: four bytes that give its length (ISO 11172-3, ISO 13818-3)."""

from __future__ import annotations

from dataclasses import dataclass

# kbit/s by index, from 1 on; "1" is MPEG 1, "2" stands for MPEG 2 and 2.5.
_KBITS = {
    ("1", 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    ("1", 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    ("1", 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    ("2", 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    ("2", 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    ("2", 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = (44_100, 48_000, 32_000)
_RATE_DIVISORS = {3: 1, 2: 2, 0: 4}
_MONO = 3


@dataclass(frozen=True)
class MpegHeader:
    """What the head of a frame says.

    Parameters
    ----------
    kind : tuple
        Version, layer and rate in Hz: the same in all frames of a stream.
    size : int
        Bytes of the frame, with its head; 0 where the format is free, so that nobody knows.
    samples : int
        Of each channel.
    side : int
        Bytes from the frame's beginning to its main data (layer III).
    """

    kind: tuple[int, int, int]
    size: int
    samples: int
    side: int

    @property
    def is_layer_3(self) -> bool:
        """Whether it is MP3."""
        return self.kind[1] == 3


def parse_header(content: bytes, position: int) -> MpegHeader | None:
    """Return what the head of a frame says, or None where there is none."""
    head = content[position : position + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return None
    version, layer, rate_index = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3), head[2] >> 2 & 3
    bitrate_index, padding = head[2] >> 4, head[2] >> 1 & 1
    if version == 1 or layer == 4 or rate_index == 3 or bitrate_index == 15:
        return None
    rate_hz = _RATES_HZ[rate_index] // _RATE_DIVISORS[version]
    family = "1" if version == 3 else "2"
    samples = {1: 384, 2: 1152, 3: 1152 if family == "1" else 576}[layer]
    size = 0
    if bitrate_index:
        slots = samples // 8 * 1000 * _KBITS[family, layer][bitrate_index - 1]
        size = (slots // 4 // rate_hz + padding) * 4 if layer == 1 else slots // rate_hz + padding
    is_mono = head[3] >> 6 == _MONO
    side = 4 + ((9 if is_mono else 17) if family == "2" else (17 if is_mono else 32))
    return MpegHeader((version, layer, rate_hz), size, samples, side)
