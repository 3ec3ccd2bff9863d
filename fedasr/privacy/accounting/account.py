"""What a promise and a ledger say together: the ε that may be printed, and why there is none."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from fedasr.privacy.accounting.ledger import Kind, Ledger, Release, Summary
from fedasr.privacy.accounting.promise import Promise, merged
from fedasr.privacy.mechanisms.allowances import Allowance
from fedasr.privacy.mechanisms.mechanism import Mechanism

BROKEN = "promises nothing: more was released than was planned before the first answer"


@dataclass(frozen=True)
class Account:
    """How a promise stands.

    Attributes
    ----------
    promise : Promise
        As it was planned; with what a crash made a second time added (`kept_by`).
    spent : Summary
        What the releases of the ledger cost: no guarantee where their number depended on the answers.
    broken : str
        Why nothing is promised any more; empty where the promise stands.
    """

    promise: Promise
    spent: Summary
    broken: str = ""

    @property
    def kind(self) -> Kind | None:
        """What the ε rests on; None where nothing was released, or the promise is broken."""
        return None if self.broken else self.spent.kind

    @property
    def epsilon(self) -> float | None:
        """The guarantee: the promise's ε, or that of a sanitised release. None where there is none."""
        return None if self.kind == "void" else self.epsilon_if_secure

    @property
    def epsilon_if_secure(self) -> float | None:
        """What would be promised if noise were secure and sampling as assumed."""
        if self.kind is None:
            return None
        found = self.spent.epsilon if self.kind == "sanitised" else self.promise.epsilon
        return found if found is not None and math.isfinite(found) else None

    @property
    def epsilon_spent(self) -> float | None:
        """The ε of what was released, no guarantee; None where the noise hides nothing."""
        found = None if self.kind == "void" else self.spent.epsilon
        return found if found is not None and math.isfinite(found) else None

    @property
    def bound(self) -> str | None:
        """The proven bound that `epsilon` is; None where there is none."""
        if self.epsilon is None:
            return None
        return "sanitised" if self.kind == "sanitised" else self.promise.bound

    def fields(self) -> dict[str, Any]:
        """Return what ``privacy.json`` says, the ledger's lines aside."""
        promise = self.promise
        return {
            "promise": promise.fields(), "epsilon": self.epsilon, "epsilon_spent": self.epsilon_spent,
            "epsilon_bound": self.bound, "epsilon_if_secure": self.epsilon_if_secure if self.kind == "void" else None,
            "delta": promise.delta, "unit": promise.unit, "adjacency": promise.adjacency, "kind": self.kind,
            "bounds": dict(promise.bounds) if self.epsilon is not None else {},
            "broken": self.broken or None,
        }  # fmt: skip


def account_of(promise: Promise, ledger: Ledger, inherited: int = 0) -> Account:
    """Return how a promise stands after the releases of a ledger, the first of which were inherited with a model."""
    kept = kept_by(promise, ledger.releases, inherited)
    spent = ledger.summary(promise.delta)
    return Account(promise, spent, BROKEN) if kept is None else Account(kept, spent)


def kept_by(promise: Promise, releases: Sequence[Release], inherited: int = 0) -> Promise | None:
    """Return the promise that the releases keep, None where they keep none.

    What was planned was fixed before the first answer. A release that was made again under its key, because a crash
    took the first one away, is added to it where its number was planned: crashes are taken not to depend on what was
    released (who interrupts a run by what he saw is outside of every promise here). How much goes through a filter
    depends on the answers, so that what was made again there must fit the allowance, too. Anything else beyond the plan
    may depend on the answers, and then no number that is read off afterwards is a guarantee.
    """
    first, again = _by_attempt(releases, inherited)
    if _fits(promise, first + again):
        return promise
    planned = dict(promise.planned)
    own = {mechanism: count for mechanism, count in again.items() if first[mechanism] <= planned.get(mechanism, -1)}
    raised = replace(promise, planned=merged([*promise.planned, *own.items()]))
    return raised if _fits(raised, first + again) else None


def _by_attempt(releases: Sequence[Release], inherited: int) -> tuple[Counter[Mechanism], Counter[Mechanism]]:
    """Return how often each mechanism was released the first time under a key, and again; keys of others are theirs."""
    first: Counter[Mechanism] = Counter()
    again: Counter[Mechanism] = Counter()
    seen: set[str] = set()
    for release in releases[:inherited]:
        first[release.charged] += release.count
    for release in releases[inherited:]:
        (again if release.key in seen else first)[release.charged] += release.count
        seen.add(release.key)
    return first, again


def _fits(promise: Promise, counts: Mapping[Mechanism, int]) -> bool:
    """Return whether so many releases are within the plan: each within its own count, the rest within an allowance."""
    planned = dict(promise.planned)
    beyond = {mechanism: count - planned.get(mechanism, 0) for mechanism, count in counts.items()}
    beyond = {mechanism: count for mechanism, count in beyond.items() if count > 0}
    allowances = [(allowance, count) for allowance, count in promise.planned if isinstance(allowance, Allowance)]
    return not beyond or any(_pays(allowance, count, beyond, promise) for allowance, count in allowances)


def _pays(allowance: Allowance, times: int, counts: Mapping[Mechanism, int], promise: Promise) -> bool:
    costs = [count * allowance.cost(mechanism, promise.adjacency) for mechanism, count in counts.items()]
    return sum(costs, Fraction(0)) <= times * allowance.limit
