"""The speech of a run as its folder tells of it: ``corpus.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ExtentData:
    """How much speech there is.

    Attributes
    ----------
    hours : float, optional
        Not known of a whole corpus that is rendered: only what is used of it is.
    speakers, utterances : int
    """

    hours: float | None
    speakers: int
    utterances: int


@dataclass(frozen=True)
class LeftOutData:
    """An entry of a corpus that was left out: ``file:line``, why, and what such entries are counted as."""

    where: str
    reason: str
    kind: str


@dataclass(frozen=True)
class CorpusData:
    """One corpus as it was read.

    Attributes
    ----------
    extent : ExtentData
        What could be used.
    left_out : tuple of LeftOutData
        What could not.
    """

    extent: ExtentData
    left_out: tuple[LeftOutData, ...] = ()

    @property
    def reasons(self) -> dict[str, int]:
        """How many entries were left out, by kind, the most first."""
        return dict(Counter(each.kind for each in self.left_out).most_common())


@dataclass(frozen=True)
class SpeechData:
    """``corpus.json``: how much speech a run had, what was left out, and what was done to it.

    Attributes
    ----------
    corpora : mapping
        ``"corpus"``, and ``"public"`` where public speech came from another.
    parts : mapping
        The silos together, public, development and test speech.
    notes : tuple of str
        What is said of it once: resampled, mixed down, not to be written in the model's tokens.
    """

    corpora: Mapping[str, CorpusData]
    parts: Mapping[str, ExtentData]
    notes: tuple[str, ...] = ()
