"""Rendered speech: a text in a voice, at some level, in some noise."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.audio import resample
from fedasr.corpora.synthetic import espeak
from fedasr.corpora.synthetic.phones import Phone, spoken_phones
from fedasr.corpora.synthetic.voices import Voice
from fedasr.corpora.utterance import AudioSource


@dataclass(frozen=True)
class SpokenText:
    """The recipe of a rendered utterance; the same recipe gives the same samples.

    Parameters
    ----------
    text : str
    voice : Voice
    level_db : float
        Level of the speech, relative to full scale.
    noise_snr_db : float
        How far the background noise lies below the speech.
    noise_colour : float
        0 for white noise; towards 1, its energy moves to low frequencies.
    noise_seed : int
    """

    text: str
    voice: Voice
    level_db: float
    noise_snr_db: float
    noise_colour: float
    noise_seed: int

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Render the utterance, mono at the given rate, shape (samples,)."""
        from scipy.signal import lfilter  # a second, which processes that render nothing do without

        speech = espeak.speak(self.text, self.voice).astype(np.float64)
        speech *= 10 ** (self.level_db / 20) / _level(speech)
        white = np.random.default_rng(self.noise_seed).standard_normal(len(speech))
        noise = lfilter([1.0], [1.0, -self.noise_colour], white)
        noise *= 10 ** ((self.level_db - self.noise_snr_db) / 20) / _level(noise)
        return resample((speech + noise).astype(np.float32), espeak.RATE_HZ, sample_rate_hz)

    def phones(self) -> tuple[Phone, ...]:
        """Return what is said, phone by phone, and when."""
        return spoken_phones(self.text, self.voice)

    def fingerprint(self) -> str:
        """Return a hash of the recipe and of the synthesiser's version."""
        return hashlib.sha256(f"spoken-1 {espeak.version()} {asdict(self)}".encode()).hexdigest()


def recipe_of(audio: AudioSource) -> SpokenText | None:
    """Return the recipe of rendered speech, whatever was laid over it; None of other audio."""
    if isinstance(audio, SpokenText):
        return audio
    source: AudioSource | None = getattr(audio, "source", None)
    return None if source is None else recipe_of(source)


def _level(samples: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(samples**2)))
