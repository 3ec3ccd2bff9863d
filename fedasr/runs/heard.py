"""Heard: which speech a model has learnt from, by digests."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedasr.corpora.speech import Speech

DIGITS = 16
"""Hexadecimal digits of a digest: of a million utterances against a million two are alike once in 10^7 times."""
FRAMES = 100
"""An utterance is known by its length and the second in its middle: all of a large corpus would take long to read."""


@dataclass(frozen=True)
class HeardSpeech:
    """Some speech, by digests of its speakers' names and of its utterances' features.

    What a digest reveals: nothing to who knows neither the name nor the recording; to who can guess a name, or has the
    recording, whether it was heard. So speech that an ε protects never stands here: a digest would tell exactly what
    the ε hides. A name is compared without its corpus, for the same person may be in two: a chance likeness makes a
    promise void, and none is kept by mistake. A person under two names is known by utterances in both corpora alone.

    Attributes
    ----------
    speakers, utterances : frozenset of str
        Digests, of `DIGITS` hexadecimal digits.
    is_whole : bool
        False where there was more that nobody could name: speech that lies with nodes of their own.
    """

    speakers: frozenset[str] = frozenset()
    utterances: frozenset[str] = frozenset()
    is_whole: bool = True

    def __bool__(self) -> bool:
        return bool(self.speakers or self.utterances or not self.is_whole)

    def __or__(self, other: HeardSpeech) -> HeardSpeech:
        return HeardSpeech(
            self.speakers | other.speakers, self.utterances | other.utterances, self.is_whole and other.is_whole
        )

    def __sub__(self, other: HeardSpeech) -> HeardSpeech:
        return HeardSpeech(self.speakers - other.speakers, self.utterances - other.utterances, self.is_whole)

    def shared(self, other: HeardSpeech) -> HeardSpeech:
        """Return what is in both."""
        return HeardSpeech(self.speakers & other.speakers, self.utterances & other.utterances)

    def fields(self) -> dict[str, Any]:
        """Return the speech as JSON."""
        return {
            "speakers": sorted(self.speakers), "utterances": sorted(self.utterances), "is_whole": self.is_whole,
        }  # fmt: skip


def heard_from(fields: Mapping[str, Any]) -> HeardSpeech:
    """Return the speech whose `HeardSpeech.fields` these are."""
    return HeardSpeech(frozenset(fields["speakers"]), frozenset(fields["utterances"]), bool(fields["is_whole"]))


def heard_in(speech: Speech, prefix: str = "") -> HeardSpeech:
    """Return some speech by its digests.

    Parameters
    ----------
    speech : Speech
    prefix : str
        What the names of another corpus's speakers begin with here, and nowhere else.
    """
    names = (unicodedata.normalize("NFC", name.removeprefix(prefix)) for name in speech.speakers)
    return HeardSpeech(
        frozenset(_digest([f"speaker {name}".encode()]) for name in names),
        frozenset(_of_utterance(speech, place) for place in range(len(speech))),
    )


def _of_utterance(speech: Speech, place: int) -> str:
    features = speech.features(place)
    first = max(len(features) - FRAMES, 0) // 2
    shape = f"utterance {features.dtype} {features.shape}\n".encode()
    return _digest([shape, features[first : first + FRAMES].tobytes()])


def _digest(parts: Sequence[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest()[:DIGITS]
