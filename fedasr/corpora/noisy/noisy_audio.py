"""Speech among others who speak, in a room."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.noisy.level import speech_level
from fedasr.corpora.noisy.room import FAR_DB, NEAR_DB, in_room
from fedasr.corpora.noted import NotedSamples, hear
from fedasr.corpora.utterance import AudioSource


@dataclass(frozen=True)
class NoisyAudio:
    """A recording with babble under it, all of it in one room.

    It is as long as the recording, and what is said in it is said at the same time. The babble is the sum of its
    voices, equally loud, each from a place of its own on and from its beginning again where it is too short. Its level
    and that of the speech, both as they are heard in the room and with pauses left out (`speech_level`), lie
    `snr_db` apart.

    Parameters
    ----------
    source : AudioSource
    babble : tuple of AudioSource
        What others say, one voice each; empty for a room alone.
    snr_db : float
        Speech over babble.
    room_seconds : float
        Reverberation time (RT60); 0 for no room.
    seed : int
        Where all chance comes from: the places of the voices in their recordings, and of everybody in the room.
    """

    source: AudioSource
    babble: tuple[AudioSource, ...]
    snr_db: float
    room_seconds: float
    seed: int

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Return mono samples at the given rate, shape (samples of the source,)."""
        return self.hear(sample_rate_hz).samples

    def hear(self, sample_rate_hz: int) -> NotedSamples:
        """Return the samples at the given rate, and what was done to get those of the source.

        Raises
        ------
        UserError
            Where there is speech, and the babble is digital silence.
        """
        heard = hear(self.source, sample_rate_hz)
        speech = in_room(
            heard.samples.astype(np.float64), self.room_seconds, NEAR_DB, sample_rate_hz, self._dice(0)
        )  # fmt: skip
        mixed = speech + self._babble(speech, sample_rate_hz) if self.babble else speech
        return NotedSamples(mixed.astype(np.float32), heard.notes)

    def fingerprint(self) -> str:
        """Return a hash of the fingerprints of source and voices, and of all else."""
        voices = [voice.fingerprint() for voice in self.babble]
        return noisy_fingerprint(self, self.source.fingerprint(), voices)

    def _babble(self, speech: NDArray[np.float64], sample_rate_hz: int) -> NDArray[np.float64]:
        """Return what others say, as loud as it is to be beside the speech."""
        voices = [self._voice(number, len(speech), sample_rate_hz) for number in range(len(self.babble))]
        babble: NDArray[np.float64] = np.sum(voices, axis=0)
        wanted, level = (speech_level(samples, sample_rate_hz) for samples in (speech, babble))
        if wanted and not level:
            raise UserError("corpus.noise: the public voices under an utterance are digital silence; name others")
        return babble * (wanted * 10 ** (-self.snr_db / 20) / level if wanted else 0.0)

    def _voice(self, number: int, count: int, sample_rate_hz: int) -> NDArray[np.float64]:
        """Return so many samples of one voice in the room, equally loud for all."""
        dice = self._dice(number + 1)
        said = hear(self.babble[number], sample_rate_hz).samples.astype(np.float64)
        begun = np.resize(np.roll(said, -int(dice.random() * len(said))), count)
        if not begun.any():  # a pause, gated, as long as the speech: from the first sound on
            begun = np.resize(np.trim_zeros(said), count)
        voice = in_room(begun, self.room_seconds, FAR_DB, sample_rate_hz, dice)
        return voice / (speech_level(voice, sample_rate_hz) or 1.0)

    def _dice(self, number: int) -> np.random.Generator:
        """Return the chance of the speech (0) or of one voice: no voice changes that of another."""
        return np.random.default_rng((self.seed, number))


def noisy_fingerprint(audio: NoisyAudio, source: str, voices: Sequence[str]) -> str:
    """Return the fingerprint of noisy audio from those of its source and voices."""
    settings = f"{audio.snr_db} {audio.room_seconds} {audio.seed}"
    return hashlib.sha256(f"noisy-1 {source} {list(voices)} {settings}".encode()).hexdigest()
