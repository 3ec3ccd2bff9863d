"""Which rows may stand in one picture of ε: one unit of privacy, one adjacency."""

from __future__ import annotations

from dataclasses import dataclass

from fedasr.report.words.findings import is_reference
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.promises import RowPromise, family_of, promise_of, stem, strategy_name
from fedasr.report.words.units import epsilon_text
from fedasr.runs.data import RunData
from fedasr.runs.row_summary import VOID

LARGEST_EPSILON = 1000.0
"""What promises even less stands at the edge: a longer axis would squeeze all that matters."""


@dataclass(frozen=True)
class Point:
    """A row with a word error rate and an ε."""

    group: Group
    promise: RowPromise
    wer: float
    interval: tuple[float, float] | None

    @property
    def void(self) -> bool:
        """Whether its ε is no guarantee."""
        return not self.promise.holds

    @property
    def beyond(self) -> bool:
        """Whether its ε is too large for the axis."""
        return self.promise.epsilon > LARGEST_EPSILON

    @property
    def place(self) -> float:
        """Where on the axis it stands."""
        return min(self.promise.epsilon, LARGEST_EPSILON)


@dataclass(frozen=True)
class Family:
    """Points that differ in ε alone, in its order."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class PrivacyPanel:
    """All that may stand in one picture: one unit, one adjacency."""

    unit: str | None
    adjacency: str | None
    families: tuple[Family, ...]
    flat: tuple[Group, ...]

    @property
    def points(self) -> list[Point]:
        """The points of all families."""
        return [point for family in self.families for point in family.points]


def panels(data: RunData) -> list[PrivacyPanel]:
    """Return a panel for each unit and adjacency that a row with a WER and a positive ε has.

    An ε that is neither a guarantee nor void (a data-dependent one that was not sanitised) is in none.
    """
    everyone = groups(data)
    found: dict[tuple[str | None, str | None], list[Point]] = {}
    for point in (point for group in everyone if (point := _point(group))):
        found.setdefault((point.promise.unit, point.promise.adjacency), []).append(point)
    flat = tuple(group for group in everyone if _is_flat(group))
    return [PrivacyPanel(*key, _families(points), flat) for key, points in found.items()]


def _point(group: Group) -> Point | None:
    wer, promise = group.wer(), promise_of(group)
    if wer is None or promise is None or promise.epsilon <= 0 or not (promise.holds or promise.kind == VOID):
        return None
    return Point(group, promise, wer.value, group.interval())


def _is_flat(group: Group) -> bool:
    return group.wer() is not None and is_reference(group) and strategy_name(group.strategy) != "local-only"


def _families(points: list[Point]) -> tuple[Family, ...]:
    found: dict[tuple[object, ...], list[Point]] = {}
    for point in points:
        found.setdefault((*family_of(point.group), point.void), []).append(point)
    sets = (sorted(members, key=lambda point: point.promise.epsilon) for members in found.values())
    return tuple(Family(_name(members), tuple(members)) for members in sets)


def _name(members: list[Point]) -> str:
    name = members[0].group.name if len(members) == 1 else stem(members[0].group.name)
    return f"{name}, void" if members[0].void else name


def axis_label(panel: PrivacyPanel) -> str:
    """Return what the ε of a panel are: their unit, adjacency and δ."""
    deltas = sorted({point.promise.delta for point in panel.points if point.promise.delta is not None})
    parts = [panel.adjacency or "adjacency unknown"]
    parts += [f"δ = {epsilon_text(deltas[0])}"] if len(deltas) == 1 else []
    parts += [f"δ from {epsilon_text(deltas[0])} to {epsilon_text(deltas[-1])}"] if len(deltas) > 1 else []
    return f"ε per {panel.unit or 'unknown unit'} ({', '.join(parts)})"
