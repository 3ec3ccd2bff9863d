"""Word error rate against ε: the figure of one panel."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Transform, offset_copy

from fedasr.report.pictures.drawing.axes import log_epsilon, wer_axis
from fedasr.report.pictures.drawing.labels import Sample, height_of, label_ends
from fedasr.report.pictures.drawing.looks import Look, looks
from fedasr.report.pictures.drawing.style import drawing, new_figure
from fedasr.report.pictures.privacy.panels import Family, PrivacyPanel, axis_label
from fedasr.report.words.groups import Group, groups
from fedasr.runs.data import RunData

_SAME_PLACE = 0.03
_POINTS_APART = 3.5


def wer_by_epsilon(data: RunData, panel: PrivacyPanel) -> Figure:
    """Draw the test WER against ε; rows without private speech, or without privacy, are horizontal lines."""
    low = min(point.place for point in panel.points) / 1.6
    high = max(point.place for point in panel.points) * 1.6
    with drawing():
        figure = new_figure(height_of(len(panel.families) + len(panel.flat), 3.1))
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
        label_ends(axes, _ends(panel, high), look, 1.04, sample=Sample(dashed=[group.name for group in panel.flat]))
    return figure


def _heights(panel: PrivacyPanel) -> list[float]:
    flat = [group.mean(lambda row: row.wer) or 0.0 for group in panel.flat]
    ends = [end for point in panel.points for end in (point.wer, *(point.interval or ()))]
    return [100 * height for height in (*flat, *ends)]


def _ends(panel: PrivacyPanel, right: float) -> dict[str, tuple[float, float]]:
    """Where each line ends: a curve at its largest ε, a reference at the edge."""
    ends = {family.name: (family.points[-1].place, 100 * family.points[-1].wer) for family in panel.families}
    return ends | {group.name: (right, 100 * (group.mean(lambda row: row.wer) or 0.0)) for group in panel.flat}


def _looks(data: RunData, panel: PrivacyPanel) -> dict[str, Look]:
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
        ends = [100 * end for end in point.interval or ()]
        axes.plot([point.place] * len(ends), ends, color=look.colour, linewidth=1.4, transform=transform, alpha=0.7)
        axes.plot(
            point.place, 100 * point.wer, ">" if point.beyond else look.marker, markersize=5.5, color=look.colour,
            markerfacecolor="white" if void else look.colour, transform=transform, zorder=3,
            markeredgecolor=look.colour if void else "white",
        )  # fmt: skip
