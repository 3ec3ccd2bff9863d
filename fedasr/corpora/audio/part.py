"""A part of a recording: a span of time, a channel."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from fedasr.common.errors import UserError
from fedasr.corpora.audio.info import SHORTEST_SECONDS, AudioInfo

# Manifests round their seconds; a part may seem to end so much after its file.
_ROUNDING_SECONDS = 0.1


@dataclass(frozen=True)
class AudioPart:
    """A part of a recording; by default all of it.

    Parameters
    ----------
    offset_seconds : float
        Where the part begins: at sample ``round(offset_seconds * rate)``.
    length_seconds : float, optional
        How long it is: ``round(length_seconds * rate)`` samples, or all that follows.
    channel : int, optional
        Which channel, from 0; by default all, mixed down to one.
    """

    offset_seconds: float = 0.0
    length_seconds: float | None = None
    channel: int | None = None

    def within(self, info: AudioInfo, name: str) -> AudioInfo:
        """Return what the part of a recording is.

        Parameters
        ----------
        info : AudioInfo
            What the recording is.
        name : str
            What messages call it.

        Raises
        ------
        UserError
            If the part does not lie in it.
        """
        frames = self.span(info, name)[1]
        if self.channel is None:
            return replace(info, frames=frames)
        if not 0 <= self.channel < info.channels:
            raise UserError(f"{name}: no channel {self.channel}: it has {info.channels}, counted from 0; correct it")
        return replace(info, frames=frames, channels=1)

    def span(self, info: AudioInfo, name: str) -> tuple[int, int]:
        """Return the first sample and how many there are; parameters and errors as of `within`."""
        if not 0 <= self.offset_seconds < math.inf or not 0 < (self.length_seconds or 1) < math.inf:
            raise UserError(f"{name}: a part of {self.length_seconds} s from {self.offset_seconds} s; correct it")
        first = round(self.offset_seconds * info.rate_hz)
        left = info.frames - first
        asked = left if self.length_seconds is None else round(self.length_seconds * info.rate_hz)
        if asked > left + _ROUNDING_SECONDS * info.rate_hz:
            end = (first + asked) / info.rate_hz
            lies = f"from {self.offset_seconds:g} s to {end:.3f} s"
            raise UserError(f"{name}: {lies} does not lie in the file of {info.seconds:.3f} s; correct the part")
        count = min(asked, left)
        if count < SHORTEST_SECONDS * info.rate_hz:
            milliseconds = 1000 * max(count, 0) / info.rate_hz
            lies = f"{milliseconds:.0f} ms of audio from {self.offset_seconds:g} s on"
            raise UserError(f"{name}: {lies}, less than a window of 25 ms; remove the part")
        return first, count
