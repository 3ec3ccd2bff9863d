"""Speech: utterances together with their features; what trainers and decoders read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.alignment import Alignment
from fedasr.corpora.utterance import Utterance


class Features(Protocol):
    """Log-mel features by utterance id, in memory or mapped from disk."""

    def __getitem__(self, utterance_id: str) -> NDArray[np.floating]:
        """Return the features of an utterance, shape (frames of 10 ms, mels)."""

    def frames(self, utterance_id: str) -> int:
        """Return the number of 10 ms frames without reading them."""

    def sped(self, utterance_id: str, speed: float) -> NDArray[np.floating]:
        """Return the features of an utterance's copy at a speed other than 1; KeyError where it has none."""

    def alignment(self, utterance_id: str, name: str) -> Alignment:
        """Return the phones of an utterance, frame by frame, of the alignments of a name; KeyError without them."""


class UntranscribedError(Exception):
    """A transcript was asked for that nobody may read."""


@dataclass(frozen=True)
class Speech:
    """A sequence of utterances with features.

    Parameters
    ----------
    utterances : tuple of Utterance
    store : Features
    is_transcribed : bool
        Whether the transcripts may be read; see `untranscribed`.
    """

    utterances: tuple[Utterance, ...]
    store: Features
    is_transcribed: bool = True

    def __len__(self) -> int:
        return len(self.utterances)

    def features(self, index: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return the features of one utterance, shape (frames of 10 ms, mels).

        Those of its waveform at another speed are there for speech that is trained on, at the speeds of ``[augment]``.
        """
        name = self.utterances[index].id
        return self.store[name] if speed == 1 else self.store.sped(name, speed)

    def frames(self, index: int) -> int:
        """Return the number of 10 ms frames of one utterance."""
        return self.store.frames(self.utterances[index].id)

    def alignment(self, index: int, name: str) -> Alignment:
        """Return the phones of one utterance, frame by frame, at speed 1.

        Parameters
        ----------
        index : int
        name : str
            Of the alignments, as `fedasr.corpora.features.alignments.write` was told.

        Raises
        ------
        UntranscribedError
            Where nobody may read its transcript.
        """
        if not self.is_transcribed:
            raise UntranscribedError(f"{self.utterances[index].id}: its alignment is nobody's to read")
        return self.store.alignment(self.utterances[index].id, name)

    def text(self, index: int) -> str:
        """Return the transcript of one utterance.

        Raises
        ------
        UntranscribedError
            Where nobody may read it.
        """
        if not self.is_transcribed:
            raise UntranscribedError(f"{self.utterances[index].id}: its transcript is nobody's to read")
        return self.utterances[index].text

    def untranscribed(self) -> Speech:
        """Return the speech without its transcripts: what trains, votes or selects cannot learn from them."""
        return replace(self, utterances=tuple(replace(u, text="") for u in self.utterances), is_transcribed=False)

    def id(self, index: int) -> str:
        """Return the name of one utterance, which no other has."""
        return self.utterances[index].id

    @property
    def seconds(self) -> float:
        """How long all utterances are together."""
        return sum(utterance.duration_seconds for utterance in self.utterances)

    @property
    def speakers(self) -> list[str]:
        """The speakers, sorted."""
        return sorted({utterance.speaker for utterance in self.utterances})

    def where(self, keep: Callable[[Utterance], bool]) -> Speech:
        """Return the utterances for which `keep` is true."""
        return replace(self, utterances=tuple(u for u in self.utterances if keep(u)))

    def of_speakers(self, speakers: Iterable[str]) -> Speech:
        """Return the utterances of these speakers."""
        wanted = set(speakers)
        return self.where(lambda utterance: utterance.speaker in wanted)


class ArrayFeatures:
    """Features held in memory, as a message brought them."""

    def __init__(
        self, ids: Sequence[str], arrays: Sequence[NDArray[np.floating]],
        copies: Mapping[tuple[str, float], NDArray[np.floating]] | None = None,
        alignments: Mapping[tuple[str, str], Alignment] | None = None,
    ) -> None:  # fmt: skip
        self._arrays = dict(zip(ids, arrays, strict=True))
        self._copies, self._alignments = copies or {}, alignments or {}

    def __getitem__(self, utterance_id: str) -> NDArray[np.floating]:
        return self._arrays[utterance_id]

    def frames(self, utterance_id: str) -> int:
        return len(self._arrays[utterance_id])

    def sped(self, utterance_id: str, speed: float) -> NDArray[np.floating]:
        return self._copies[utterance_id, speed]

    def alignment(self, utterance_id: str, name: str) -> Alignment:
        return self._alignments[utterance_id, name]


def joined(parts: Sequence[Speech]) -> Speech:
    """Return several parts as one, each with its own features; transcribed if all of them are."""
    utterances = tuple(u for part in parts for u in part.utterances)
    stores = {u.id: part.store for part in parts for u in part.utterances}
    return Speech(utterances, _Joined(stores), all(part.is_transcribed for part in parts))


class _Joined:
    """Features of several stores."""

    def __init__(self, stores: dict[str, Features]) -> None:
        self._stores = stores

    def __getitem__(self, utterance_id: str) -> NDArray[np.floating]:
        return self._stores[utterance_id][utterance_id]

    def frames(self, utterance_id: str) -> int:
        return self._stores[utterance_id].frames(utterance_id)

    def sped(self, utterance_id: str, speed: float) -> NDArray[np.floating]:
        return self._stores[utterance_id].sped(utterance_id, speed)

    def alignment(self, utterance_id: str, name: str) -> Alignment:
        return self._stores[utterance_id].alignment(utterance_id, name)
