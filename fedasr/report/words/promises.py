"""What a row promises about privacy, and which rows may be set beside each other."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fedasr.report.words.groups import Group
from fedasr.runs.data import RowData
from fedasr.runs.row_summary import GUARANTEES, VOID


@dataclass(frozen=True)
class RowPromise:
    """The ε of a row, the largest over its seeds, with all that must be said beside it."""

    epsilon: float
    delta: float | None
    unit: str | None
    adjacency: str | None
    kind: str | None

    @property
    def holds(self) -> bool:
        """Whether it may be shown as a guarantee; a row that names no kind was written before kinds were."""
        return self.kind is None or self.kind in GUARANTEES


def promise_of(group: Group) -> RowPromise | None:
    """Return what all seeds of a row promise; one seed whose ε does not hold takes the promise from all."""
    promising = [row for row in group.finished if _told(row) is not None]
    if not promising:
        return None
    worst = max(promising, key=_weakness)
    epsilon, delta = max(_told(row) or 0.0 for row in promising), max(row.delta or 0.0 for row in promising)
    return RowPromise(epsilon, delta or None, worst.privacy_unit, worst.adjacency, worst.epsilon_kind)


def _weakness(row: RowData) -> tuple[bool, bool, float]:
    broken = row.epsilon_kind is not None and row.epsilon_kind not in GUARANTEES
    return broken and row.epsilon_kind != VOID, broken, _told(row) or 0.0


def _told(row: RowData) -> float | None:
    """Return a row's ε; where it is void, what secure noise would promise."""
    return row.epsilon_if_secure if row.epsilon is None else row.epsilon


def is_public(group: Group) -> bool:
    """Whether no private speech had a part in a row, nor in what it begins from: its ε is 0.

    Of several draws of one corpus it is not said: who is public in one is private in another.
    """
    heard = [row for row in group.rows if row.private_speech is not False or row.start_speech != "public"]
    trials = {row.draw for row in group.rows if row.population is None}
    return bool(group.finished) and not heard and len(trials) < 2


def family_of(group: Group) -> tuple[str, ...]:
    """Return what the points of one curve share: all but the ε, which their names may tell by number."""
    row = group.finished[0]
    return strategy_name(row.strategy), row.protection or "none", mechanism_of(row), stem(group.name)


def strategy_name(path: str) -> str:
    """Return the short name of a strategy: ``"fedasr.strategies.dp_fedavg:DPFedAvg"`` is ``"dp-fedavg"``."""
    return path.split(":")[0].rsplit(".", 1)[-1].replace("_", "-")


def mechanism_of(row: RowData) -> str:
    """Return the mechanism that a row names, or those that its votes or its ledger name."""
    if row.mechanism:
        return row.mechanism
    if row.votes:
        return row.votes.mechanism.kind
    kinds = {release.mechanism.kind for release in row.privacy.ledger} if row.privacy else set()
    return " + ".join(sorted(kinds))


def stem(name: str) -> str:
    """Return a name without its numbers: ``"pate-lnmax-eps0.5"`` is ``"pate-lnmax"``."""
    left = re.sub(r"[-_ @,(=]*(?:\b|(?<=_))(?:epsilon|eps|e|ε)?[-_ =]*\d+(?:\.\d+)?(?:e[-+]?\d+)?\)?", "", name)
    return left.strip("-_ ") or name
