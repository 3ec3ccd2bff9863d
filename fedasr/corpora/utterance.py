"""An utterance, and where its audio comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class AudioSource(Protocol):
    """Something that yields the samples of an utterance: a file, joined clips, a synthesiser."""

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Return mono samples at the given rate, shape (samples,)."""

    def fingerprint(self) -> str:
        """Return a hash of everything that the samples depend on."""


NO_FIELDS: Mapping[str, str] = {}
"""What a corpus says beside the text, where it says nothing: one for all, never changed."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance of one speaker.

    Parameters
    ----------
    id : str
        Unique within its corpus.
    speaker : str
    text : str
        The reference transcript: lower case, single spaces.
    duration_seconds : float
        NaN where only the audio tells it, until the corpus was checked.
    audio : AudioSource
    fields : mapping
        What else the corpus says of it (accent, sex, …).
    where : str
        ``file:line`` of the entry that it came from, for messages; it makes no two utterances differ.
    """

    id: str
    speaker: str
    text: str
    duration_seconds: float
    audio: AudioSource
    fields: Mapping[str, str] = field(default_factory=lambda: NO_FIELDS)
    where: str = field(default="", compare=False)
