"""What a corpus holds, in a few numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fedasr.corpora.faults import Fault
from fedasr.corpora.utterance import Utterance


@dataclass(frozen=True)
class CorpusSummary:
    """What a corpus holds, and what was left out of it.

    Attributes
    ----------
    utterances, speakers : int
    seconds : float, optional
        Not known of speech that is yet to be rendered.
    left_out : tuple of Fault
    """

    utterances: int
    speakers: int
    seconds: float | None
    left_out: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, utterances: Sequence[Utterance]) -> CorpusSummary:
        """Return the numbers of some utterances."""
        speakers = len({utterance.speaker for utterance in utterances})
        seconds = [utterance.duration_seconds for utterance in utterances]
        return cls(len(utterances), speakers, sum(seconds) if all(seconds) else None)

    @property
    def reasons(self) -> dict[str, int]:
        """How many entries were left out, by kind, the most first."""
        return dict(Counter(fault.kind for fault in self.left_out).most_common())

    def __str__(self) -> str:
        length = "" if self.seconds is None else f"{_length(self.seconds)}, "
        told = f"{length}{self.speakers} speakers, {self.utterances} utterances"
        reasons = ", ".join(f"{n} {kind}" for kind, n in self.reasons.items())
        return f"{told}; left out {len(self.left_out)} ({reasons})" if self.left_out else told


def _length(seconds: float) -> str:
    return f"{seconds / 3600:,.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
