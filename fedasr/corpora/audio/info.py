"""What is known of an audio file before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field

SHORTEST_SECONDS = 0.025
"""One analysis window; what is shorter has no features."""


@dataclass(frozen=True)
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
