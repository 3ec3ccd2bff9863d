"""Utterances held in memory, as a message brought them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.alignment import Alignment
from fedasr.corpora.stores.store import numbered
from fedasr.corpora.utterance import Utterance


class HeldStore:
    """Utterances and their features in memory.

    Parameters
    ----------
    utterances : sequence of Utterance
    features : sequence of ndarray
        Of each, shape (frames of 10 ms, mels).
    copies : mapping, optional
        Features at other speeds, by utterance id and speed.
    alignments : mapping, optional
        By utterance id and the name of the alignments.
    """

    def __init__(
        self, utterances: Sequence[Utterance], features: Sequence[NDArray[np.floating]],
        copies: Mapping[tuple[str, float], NDArray[np.floating]] | None = None,
        alignments: Mapping[tuple[str, str], Alignment] | None = None,
    ) -> None:  # fmt: skip
        if len(utterances) != len(features):
            raise ValueError(f"{len(utterances)} utterances have the features of {len(features)}")
        self._utterances, self._features = tuple(utterances), tuple(features)
        self._copies, self._alignments = copies or {}, alignments or {}
        self.frames = np.array([len(features_TF) for features_TF in features], np.int32)
        self.seconds = np.array([utterance.duration_seconds for utterance in utterances], np.float64)
        self.speakers, self.speaker_numbers = numbered(utterance.speaker for utterance in utterances)

    def id(self, row: int) -> str:
        """Return the name of an utterance."""
        return self._utterances[row].id

    def text(self, row: int) -> str:
        """Return the transcript of an utterance."""
        return self._utterances[row].text

    def utterance(self, row: int) -> Utterance:
        """Return an utterance."""
        return self._utterances[row]

    def features(self, row: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return the features of an utterance, or of its copy at another speed."""
        return self._features[row] if speed == 1 else self._copies[self._utterances[row].id, speed]

    def alignment(self, row: int, name: str) -> Alignment:
        """Return the phones of an utterance, frame by frame; KeyError without them."""
        return self._alignments[self._utterances[row].id, name]
