"""What came of one row in one leg, and whether all legs agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PRIVATE = "+dp-sgd"
"""So ends the name of a row that is private: the same algorithm under DP-SGD, its noise reproducible."""
UNDISTURBED, FAILING, TWO_SILOS = "undisturbed", "a silo fails", "two silos"
"""Groups: trials of one row and one group must end alike."""


@dataclass(frozen=True)
class Trial:
    """What came of one row in one leg.

    Parameters
    ----------
    row, leg : str
    group : str
        What disturbed it, if anything.
    model_sha256 : str or None
        Of the model at the end; None where the row failed.
    failure : str or None
        Why it failed.
    uplink_bytes, downlink_bytes, refused_replies : int or None
    """

    row: str
    leg: str
    group: str
    model_sha256: str | None
    failure: str | None
    uplink_bytes: int | None = None
    downlink_bytes: int | None = None
    refused_replies: int | None = None

    @classmethod
    def of(cls, summary: Mapping[str, Any], leg: str, group: str) -> Trial:
        """Return the trial of a row's line of the summary."""
        kept = ("model_sha256", "failure", "uplink_bytes", "downlink_bytes", "refused_replies")
        return cls(summary["name"], leg, group, **{key: summary[key] for key in kept})

    @property
    def short(self) -> str:
        """How the row ended, to be shown in a table."""
        return self.model_sha256[:16] if self.model_sha256 else f"failed: {self.failure}"

    @property
    def end(self) -> str:
        """How the row ended, in a word: its hash, or why it failed."""
        return self.model_sha256 or f"failed: {self.failure}"


@dataclass(frozen=True)
class Skipped:
    """A leg that did not run, or not to its end, and why.

    Parameters
    ----------
    leg, reason : str
    is_failure : bool
        Whether it ought to have run: it was cut short, or broke.
    """

    leg: str
    reason: str
    is_failure: bool = True


@dataclass(frozen=True)
class Verdict:
    """What all legs together say.

    Parameters
    ----------
    trials : tuple of Trial
    skipped : tuple of Skipped
    """

    trials: tuple[Trial, ...]
    skipped: tuple[Skipped, ...] = ()

    def differing(self) -> list[str]:
        """Return a line for each row that ended otherwise in one leg than in another."""
        ends: dict[tuple[str, str], dict[str, list[str]]] = {}
        for trial in self.trials:
            ends.setdefault((trial.row, trial.group), {}).setdefault(trial.end, []).append(trial.leg)
        return [f"{row}, {group}: {_parted(found)}" for (row, group), found in ends.items() if len(found) > 1]

    def failed(self) -> list[str]:
        """Return a line for each row without a protection that failed though nothing disturbed it."""
        rows = {t.row: t.failure for t in self.trials if t.failure and t.group != FAILING}
        return [f"{row}: {failure}" for row, failure in rows.items() if not row.endswith(PRIVATE)]

    def lines(self) -> list[str]:
        """Return what is to be said below the table."""
        legs = dict.fromkeys(trial.leg for trial in self.trials)
        return [
            *(f"differs: {line}" for line in self.differing()),
            *(f"failed: {line}" for line in self.failed()),
            *(f"{leg.leg} did not run: {leg.reason}" for leg in self.skipped),
            f"{'one hash each' if self.holds else 'NOT one hash each'} in {', '.join(legs) or 'no leg'}",
        ]

    @property
    def holds(self) -> bool:
        """Whether there is one hash each, and no leg was cut short."""
        cut_short = [leg for leg in self.skipped if leg.is_failure]
        return bool(self.trials) and not (self.differing() or self.failed() or cut_short)


def _parted(found: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{end[:60]} ({', '.join(legs)})" for end, legs in found.items())
