"""The ledger: everything that left the private side under a guarantee, and what it costs together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.composition import composed_rdp, counted
from fedasr.privacy.accounting.conversion import ORDERS, Curve, epsilon_at
from fedasr.privacy.accounting.proven import proven_bounds, smallest
from fedasr.privacy.adjacency import Adjacency, checked_adjacency
from fedasr.privacy.mechanisms.kinds import mechanism_from
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.privacy.mechanisms.smooth_release import SmoothRelease

POISSON = "poisson"
"""Every unit joins by an independent coin."""
Kind = Literal["accountant", "data-independent", "sanitised", "void"]


def charged_as(mechanism: Mechanism, sampling: tuple[str, str]) -> Mechanism:
    """Return what a mechanism is accounted as under a sampling, as assumed and as done."""
    return mechanism if sampling == (POISSON, POISSON) else mechanism.unsampled()


@dataclass(frozen=True)
class Release:
    """What was released, once or ``count`` times, under one key.

    Attributes
    ----------
    mechanism : Mechanism
    unit : str
        Whose change the guarantee hides: ``"utterance"``, ``"speaker"`` or ``"silo"``.
    adjacency : {"replace-one", "add-remove"}
    noise : str
        `Noise.origin`: ``"secure"``, or ``"reproducible"``, which voids the guarantee.
    sampling_assumed, sampling_used : str
        As the accountant takes it and as the code did it, such as ``"poisson"`` or ``"all"``; unlike ones void it.
    count : int
    key, digest : str
        Where the release is stored and what it holds: the same again costs nothing, another digest is a new release.
    upper : float or None
        For a `SmoothRelease`: the released divergence at its order.
    covers : tuple of (str, str)
        For a `SmoothRelease`: key and digest of each release whose divergence it bounds. Another draw under the same
        key is another release, and stays charged.
    """

    mechanism: Mechanism
    unit: str
    adjacency: Adjacency
    noise: str
    sampling_assumed: str
    sampling_used: str
    count: int
    key: str
    digest: str
    upper: float | None = None
    covers: tuple[tuple[str, str], ...] = ()

    @property
    def charged(self) -> Mechanism:
        """The mechanism as it is accounted: sampling amplifies only where Poisson's was assumed and done."""
        return charged_as(self.mechanism, (self.sampling_assumed, self.sampling_used))

    @property
    def is_void(self) -> bool:
        """Whether it promises nothing: its noise can be drawn again, or it sampled otherwise than accounted."""
        return self.noise != "secure" or self.sampling_assumed != self.sampling_used

    def fields(self) -> dict[str, Any]:
        """Return the release as JSON."""
        return {**vars(self), "mechanism": self.mechanism.fields(), "covers": [list(pair) for pair in self.covers]}


def release_from(fields: Mapping[str, Any]) -> Release:
    """Return the release that `Release.fields` told of."""
    covers = tuple((str(key), str(digest)) for key, digest in fields["covers"])
    release = Release(**{**fields, "mechanism": mechanism_from(fields["mechanism"]), "covers": covers})
    _check(release)
    return release


@dataclass(frozen=True)
class Summary:
    """What was released costs together.

    Attributes
    ----------
    epsilon : float or None
        The smallest proven bound; None where nothing was released, infinite where nothing bounds it. It is a guarantee
        only where the number of releases did not depend on what they answered: see `fedasr.privacy.accounting.promise`.
    delta : float
    unit, adjacency : str or None
    kind : str or None
        ``"void"`` goes before all others: then ε only says what secure noise and the assumed sampling would promise.
    bounds : mapping of str to float
        All finite bounds, by name.
    """

    epsilon: float | None
    delta: float
    unit: str | None
    adjacency: Adjacency | None
    kind: Kind | None
    bounds: Mapping[str, float] = field(default_factory=dict)


class Ledger:
    """Releases of one unit and adjacency, composed across phases; part of the checkpoint.

    Parameters
    ----------
    fixed_queries : bool
        Whether all queries were fixed before the first answer. A run's are not: the next label of a transcript follows
        from those before. Without it a sanitised divergence, which holds for fixed queries only, is refused.
    """

    def __init__(self, fixed_queries: bool = False) -> None:
        self.fixed_queries = fixed_queries
        self._releases: list[Release] = []
        self._known: dict[tuple[str, str], Release] = {}

    @property
    def releases(self) -> tuple[Release, ...]:
        """All charged releases, in order."""
        return tuple(self._releases)

    def add(self, release: Release) -> bool:
        """Charge a release; return False where the same key and digest were charged before."""
        _check(release)
        if isinstance(release.mechanism, SmoothRelease) and not self.fixed_queries:
            raise UserError(
                f"release '{release.key}': a sanitised divergence holds for queries that were fixed before the first "
                "answer, and this ledger's may follow from answers, as the labels of a transcript do"
            )
        if self._releases:
            _check_same_promise(self._releases[0], release)
        known = self._known.setdefault((release.key, release.digest), release)
        if known != release:
            raise UserError(f"release '{release.key}': was charged before as another mechanism or count")
        if known is not release:
            return False
        self._releases.append(release)
        return True

    def state(self) -> list[dict[str, Any]]:
        """Return what a checkpoint keeps, as JSON."""
        return [release.fields() for release in self._releases]

    def restore(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Take the place of whatever was in the ledger."""
        self._releases, self._known = [], {}
        for fields in state:
            self.add(release_from(fields))

    def rdp(self, orders: Curve = ORDERS) -> Curve:
        """Return the data-independent divergence of all releases at each order."""
        return _composed(self._releases, orders)

    def summary(self, delta: float) -> Summary:
        """Return ε at δ of everything so far, with all that must be said beside it."""
        if not self._releases:
            return Summary(None, delta, None, None, None)
        first, counts = self._releases[0], _counts(self._releases)
        kind: Kind = "accountant" if all(mechanism.is_gaussian for mechanism in counts) else "data-independent"
        left = self._left_of(delta)
        bounds = proven_bounds(counts.items(), left if left > 0 else delta, first.adjacency)
        plain = Summary(smallest(bounds)[1], delta, first.unit, first.adjacency, kind, bounds)
        sanitised = self._sanitised(plain, left) if left > 0 else []
        best = min([plain, *sanitised], key=lambda s: s.epsilon or 0.0)
        return replace(best, kind="void") if any(release.is_void for release in self._releases) else best

    def _sanitised(self, plain: Summary, delta: float) -> list[Summary]:
        """Return a summary for each release of a data-dependent divergence, taken in place of what it covers.

        Each holds in one direction only: see `fedasr.privacy.mechanisms.sanitised`.
        """
        found = []
        for release in self._releases:
            if isinstance(release.mechanism, SmoothRelease) and release.upper is not None:
                order = np.array([release.mechanism.order])
                others = [r for r in self._releases if (r.key, r.digest) not in release.covers]
                total = _composed(others, order) + max(release.upper, 0.0)
                found.append(replace(plain, epsilon=float(epsilon_at(order, total, delta)[0]), kind="sanitised"))
        return found

    def _left_of(self, delta: float) -> float:
        """Return δ less the chance that any released end lies too low."""
        ends = (release.mechanism for release in self._releases)
        return delta - math.fsum(end.failure for end in ends if isinstance(end, SmoothRelease))


def _counts(releases: Iterable[Release]) -> Counter[Mechanism]:
    return counted((release.charged, release.count) for release in releases)


def _composed(releases: Sequence[Release], orders: Curve) -> Curve:
    return composed_rdp(_counts(releases), releases[0].adjacency, orders) if releases else orders * 0.0


def _check(release: Release) -> None:
    checked_adjacency(release.adjacency)
    if release.count < 0:
        raise UserError(f"release '{release.key}': count = {release.count}: must be at least 0")
    if isinstance(release.mechanism, SmoothRelease) and (release.count != 1 or release.upper is None):
        raise UserError(f"release '{release.key}': a sanitised divergence is released once, with its upper end")


def _check_same_promise(first: Release, release: Release) -> None:
    for name in ("unit", "adjacency"):
        was, now = getattr(first, name), getattr(release, name)
        if was != now:
            raise UserError(
                f"release '{release.key}': its {name} is {now} and the ledger's is {was}: "
                "they do not add up; keep a ledger for each"
            )
