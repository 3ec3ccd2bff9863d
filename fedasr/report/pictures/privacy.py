"""Word error rate against ε, one picture for each unit of privacy and adjacency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Transform, offset_copy

from fedasr.report.pictures.axes import label_ends, log_epsilon, wer_axis
from fedasr.report.pictures.canvas import Look, drawing, looks, new_figure
from fedasr.report.words.findings import is_reference
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.promises import VOID, Promise, family_of, promise_of, stem, strategy_name
from fedasr.report.words.units import epsilon_text
from fedasr.runs.records import RunData

LARGEST_EPSILON = 1000.0
"""What promises even less stands at the edge: a longer axis would squeeze all that matters."""
_SAME_PLACE = 0.03
_POINTS_APART = 3.5


@dataclass(frozen=True)
class Point:
    """A row with a word error rate and an ε."""

    group: Group
    promise: Promise
    wer: float
    low: float
    high: float

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
class Panel:
    """All that may stand in one picture: one unit, one adjacency."""

    unit: str | None
    adjacency: str | None
    families: tuple[Family, ...]
    flat: tuple[Group, ...]

    @property
    def points(self) -> list[Point]:
        """The points of all families."""
        return [point for family in self.families for point in family.points]


def panels(data: RunData) -> list[Panel]:
    """Return a panel for each unit and adjacency that a row with a WER and a positive ε has.

    An ε that is neither a guarantee nor void (a data-dependent one that was not sanitised) is in none.
    """
    everyone = groups(data)
    found: dict[tuple[str | None, str | None], list[Point]] = {}
    for point in (point for group in everyone if (point := _point(group))):
        found.setdefault((point.promise.unit, point.promise.adjacency), []).append(point)
    flat = tuple(group for group in everyone if _is_flat(group))
    return [Panel(*key, _families(points), flat) for key, points in found.items()]


def _point(group: Group) -> Point | None:
    wer, promise = group.wer(), promise_of(group)
    if wer is None or promise is None or promise.epsilon <= 0 or not (promise.holds or promise.kind == VOID):
        return None
    return Point(group, promise, wer.value, *(group.interval() or (wer.value, wer.value)))


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


def wer_by_epsilon(data: RunData, panel: Panel) -> Figure:
    """Draw the test WER against ε; rows without private speech, or without privacy, are horizontal lines."""
    low = min(point.place for point in panel.points) / 1.6
    high = max(point.place for point in panel.points) * 1.6
    with drawing():
        figure = new_figure(2.9 + 0.1 * max(0, len(panel.families) + len(panel.flat) - 4))
        axes = figure.add_subplot()
        look = _looks(data, panel)
        log_epsilon(axes, low, high)
        wer_axis(axes, _heights(panel))
        moves = _moves(panel.families, high / low)
        for family, points in zip(panel.families, moves, strict=True):
            _draw(axes, family, look[family.name], offset_copy(axes.transData, figure, points, units="points"))
        for group in panel.flat:
            wer = 100 * (group.mean(lambda row: row.wer) or 0.0)
            axes.axhline(wer, color=look[group.name].colour, linewidth=1.2, dashes=look[group.name].dashes)
        axes.set_xlabel(axis_label(panel))
        axes.set_ylabel("word error rate on\ntest speakers (%)")
        label_ends(axes, _ends(panel, high), look, 1.04)
    return figure


def axis_label(panel: Panel) -> str:
    """Return what the ε of a panel are: their unit, adjacency and δ."""
    deltas = sorted({point.promise.delta for point in panel.points if point.promise.delta is not None})
    parts = [panel.adjacency or "adjacency unknown"]
    parts += [f"δ = {epsilon_text(deltas[0])}"] if len(deltas) == 1 else []
    parts += [f"δ from {epsilon_text(deltas[0])} to {epsilon_text(deltas[-1])}"] if len(deltas) > 1 else []
    return f"ε per {panel.unit or 'unknown unit'} ({', '.join(parts)})"


def _heights(panel: Panel) -> list[float]:
    flat = [group.mean(lambda row: row.wer) or 0.0 for group in panel.flat]
    ends = [end for point in panel.points for end in (point.low, point.wer, point.high)]
    return [100 * height for height in (*flat, *ends)]


def _ends(panel: Panel, right: float) -> dict[str, tuple[float, float]]:
    """Where each line ends: a curve at its largest ε, a reference at the edge."""
    ends = {family.name: (family.points[-1].place, 100 * family.points[-1].wer) for family in panel.families}
    return ends | {group.name: (right, 100 * (group.mean(lambda row: row.wer) or 0.0)) for group in panel.flat}


def _looks(data: RunData, panel: Panel) -> dict[str, Look]:
    """A family is drawn as its first row is elsewhere; where two would look alike, families get looks of their own."""
    everyone = groups(data)
    rows = looks(everyone)
    first = {min(everyone.index(point.group) for point in family.points): family for family in panel.families}
    order = [first[position] for position in sorted(first)]
    found = {family.name: rows[everyone[position].name] for position, family in sorted(first.items())}
    if len({look.colour for look in found.values()}) < len(found):
        found = looks([Group(family.name, family.points[0].group.rows) for family in order])
    return found | {group.name: rows[group.name] for group in panel.flat}


def _moves(families: Sequence[Family], span: float) -> list[float]:
    """Return how far right of its ε each family is drawn, so that whiskers at one ε do not hide each other."""
    moves: list[float] = []
    for number, family in enumerate(families):
        taken = {moves[other] for other in range(number) if _meet(family, families[other], span)}
        moves.append(next(step * _POINTS_APART for step in range(len(families)) if step * _POINTS_APART not in taken))
    return moves


def _meet(one: Family, other: Family, span: float) -> bool:
    near = _SAME_PLACE * log(span)
    return any(abs(log(p.place / q.place)) < near for p in one.points for q in other.points)


def _draw(axes: Axes, family: Family, look: Look, transform: Transform) -> None:
    """A curve of dots with whiskers; what is void is hollow and dotted, what is off the axis points right."""
    void = family.points[0].void
    places, wers = [p.place for p in family.points], [100 * p.wer for p in family.points]
    axes.plot(
        places, wers, color=look.colour, linewidth=1.2, linestyle=":" if void else "-", transform=transform, zorder=2
    )
    for point in family.points:
        ends = [100 * point.low, 100 * point.high]
        axes.plot([point.place] * 2, ends, color=look.colour, linewidth=1.4, transform=transform, alpha=0.7)
        axes.plot(
            point.place, 100 * point.wer, ">" if point.beyond else look.marker, markersize=5.5, color=look.colour,
            markerfacecolor="white" if void else look.colour, transform=transform, zorder=3,
            markeredgecolor=look.colour if void else "white",
        )  # fmt: skip
