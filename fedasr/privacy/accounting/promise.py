"""A promise: what may be released at most, fixed from public numbers before the first answer, and its ε."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.composition import counted
from fedasr.privacy.accounting.conversion import checked_delta
from fedasr.privacy.accounting.proven import proven_bounds, smallest
from fedasr.privacy.adjacency import Adjacency, checked_adjacency
from fedasr.privacy.mechanisms.kinds import mechanism_from
from fedasr.privacy.mechanisms.mechanism import Mechanism

Planned = tuple[tuple[Mechanism, int], ...]


@dataclass(frozen=True)
class Promise:
    """What may be released at most.

    Guarantee: whatever is released within it, in whatever order and however it depends on earlier answers, is
    (`epsilon`, `delta`)-differentially private for the unit. It is the ε of all that is planned, never of what was
    realised: a count that depends on the answers and is read off afterwards bounds nothing at the printed δ.

    ====================  =====================================================================
    nothing is planned    ε = 0
    nothing bounds it     ε is infinite and `bound` None: nothing is promised
    a budget is planned   its allowance is planned, once; ε is what the whole allowance means
    ====================  =====================================================================

    Attributes
    ----------
    unit : str
        Whose change the guarantee hides: ``"utterance"``, ``"speaker"`` or ``"silo"``.
    adjacency : {"replace-one", "add-remove"}
    delta : float
    planned : tuple of tuple
        Mechanisms, each with how often it is released at most; an allowance (`GaussianBudget` and its kin) stands for
        everything that its filter lets through.
    """

    unit: str
    adjacency: Adjacency
    delta: float
    planned: Planned

    def __post_init__(self) -> None:
        checked_adjacency(self.adjacency)
        checked_delta(self.delta)

    @cached_property
    def bounds(self) -> Mapping[str, float]:
        """Every finite ε that is proven, by name; see `fedasr.privacy.accounting.proven`."""
        return proven_bounds(self.planned, self.delta, self.adjacency)

    @property
    def epsilon(self) -> float:
        """The smallest of the bounds."""
        return smallest(self.bounds)[1]

    @property
    def bound(self) -> str | None:
        """The name of the smallest bound."""
        return smallest(self.bounds)[0]

    def fields(self) -> dict[str, Any]:
        """Return the promise as JSON."""
        planned = [{"mechanism": mechanism.fields(), "count": count} for mechanism, count in self.planned]
        return {"unit": self.unit, "adjacency": self.adjacency, "delta": self.delta, "planned": planned}


def promise_from(fields: Mapping[str, Any]) -> Promise:
    """Return the promise whose `Promise.fields` these are."""
    planned = [(mechanism_from(line["mechanism"]), int(line["count"])) for line in fields["planned"]]
    return Promise(fields["unit"], checked_adjacency(fields["adjacency"]), float(fields["delta"]), tuple(planned))


def together(promises: Sequence[Promise], delta: float) -> Promise:
    """Return what several promises to the same unit are at one δ, if all that they allow is released.

    Raises
    ------
    UserError
        Where there is none, or they are of unlike unit or adjacency: those do not add up.
    """
    kinds = {(promise.unit, promise.adjacency) for promise in promises}
    if len(kinds) != 1:
        told = ", ".join(sorted(f"{unit} ({adjacency})" for unit, adjacency in kinds)) or "none"
        raise UserError(f"promises of unlike units do not add up: {told}")
    unit, adjacency = kinds.pop()
    return Promise(unit, adjacency, delta, merged(release for promise in promises for release in promise.planned))


def merged(planned: Iterable[tuple[Mechanism, int]]) -> Planned:
    """Return a plan in which each mechanism stands once."""
    return tuple(counted(planned).items())
