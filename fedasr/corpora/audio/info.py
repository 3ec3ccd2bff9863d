"""What is known of an audio file before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field

SHORTEST_SECONDS = 0.025
"""One analysis window; what is shorter has no features."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header of an audio file says.

    Parameters
    ----------
    rate_hz : int
    channels : int
    frames : int
        Samples of one channel.
    format : str
        The container, as libsndfile calls it: ``"WAV"``, ``"MP3"``, ….
    """

    rate_hz: int
    channels: int
    frames: int
    format: str = field(default="", compare=False)

    @property
    def seconds(self) -> float:
        """How long the file is."""
        return self.frames / self.rate_hz


def length_tolerance_seconds(info: AudioInfo) -> float:
    """Return how far a stated length may be from the real one: what rounding makes of it, and what coders add.

    MP3 adds the delays of coder and decoder (up to 1105 samples) and fills the last of its frames; a file without
    a count of both cannot be cut to what was recorded.
    """
    rounding = max(0.1, 0.02 * info.seconds)
    if info.format != "MP3":
        return rounding
    frame = 1152 if info.rate_hz >= 32_000 else 576
    return rounding + (2 * frame + 1105) / info.rate_hz
