"""Word error rate over the bound of clipped gradients: a curve for each granularity."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedasr.report.pictures.drawing.axes import log_bound, wer_axis
from fedasr.report.pictures.drawing.labels import Sample, height_of, label_ends
from fedasr.report.pictures.drawing.looks import Look, looks
from fedasr.report.pictures.drawing.style import drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.units import listing, percent
from fedasr.runs.data import RunData

CLIPPING = "clipping"
"""The protection whose rows are drawn."""
APART = 1.045
"""Whiskers at one bound stand side by side, so many times apart."""


@dataclass(frozen=True)
class BoundCurve:
    """The rows of one granularity, by their bound."""

    name: str
    points: tuple[tuple[float, Group], ...]


def clipping_picture(data: RunData) -> list[Picture]:
    """Return the test WER over the bound, with its words."""
    caption = (
        "Test word error rate (with its 95% interval) by the bound C to which gradients are cut, a curve for each way "
        "of dividing a step's utterances; dashed lines are rows that cut nothing. Without noise nothing is promised."
    )
    numbers = (
        f"{curve.name}: {listing([f'{percent(_wer(group))}% at {bound:g}' for bound, group in curve.points])}"
        for curve in curves(data)
    )
    return framed("clipping", "What clipping costs", caption, "; ".join(numbers), wer_by_bound(data))


def curves(data: RunData) -> list[BoundCurve]:
    """Return the curves of at least two finite bounds, in the order of the experiment."""
    found: dict[tuple[str, str], list[tuple[float, Group]]] = {}
    rows = {row["name"]: row for row in _compared(data) if row.get("protection") == CLIPPING}
    for group in groups(data):
        row = rows.get(group.name)
        bound = float(row.get("protection_options", {}).get("clip_norm", 1.0)) if row else math.inf
        if row is not None and group.wer() is not None and math.isfinite(bound):
            found.setdefault((group.strategy, _granularity(row)), []).append((bound, group))
    kept = {key: points for key, points in found.items() if len({bound for bound, _ in points}) > 1}
    several = len({strategy for strategy, _ in kept}) > 1
    return [
        BoundCurve(f"{strategy}, {name}" if several else name, tuple(sorted(points, key=lambda point: point[0])))
        for (strategy, name), points in kept.items()
    ]


def wer_by_bound(data: RunData) -> Figure | None:
    """Draw the test WER by the bound; rows that clip nothing are horizontal lines."""
    drawn = curves(data)
    if not drawn:
        return None
    bounds = [bound for curve in drawn for bound, _ in curve.points]
    low, high = min(bounds) / 1.6, max(bounds) * 1.6
    flat = list(_unclipped(data))
    look = looks([*(Group(curve.name, curve.points[0][1].rows) for curve in drawn), *flat])
    with drawing():
        figure = new_figure(height_of(len(drawn) + len(flat), 3.1))
        axes = figure.add_subplot()
        wer_axis(axes, _heights(drawn, flat))
        log_bound(axes, low, high)
        for number, curve in enumerate(drawn):
            _draw(axes, curve, look[curve.name], APART ** (number - (len(drawn) - 1) / 2))
        for group in flat:
            axes.axhline(
                100 * _wer(group), color=look[group.name].colour, linewidth=1.2, dashes=look[group.name].dashes
            )
        axes.set_xlabel("bound C (L2 norm)")
        axes.set_ylabel("word error rate on\ntest speakers (%)")
        ends = {curve.name: (curve.points[-1][0], 100 * _wer(curve.points[-1][1])) for curve in drawn}
        straight = {group.name: (high, 100 * _wer(group)) for group in flat}
        label_ends(axes, ends | straight, look, 1.04, sample=Sample(dashed=straight))
    return figure


def _compared(data: RunData) -> list[Mapping[str, Any]]:
    try:
        rows: list[Mapping[str, Any]] = tomllib.loads(data.experiment_toml).get("compare", [])
    except tomllib.TOMLDecodeError:
        return []
    return rows


def _granularity(row: Mapping[str, Any]) -> str:
    """Return how a step's utterances are divided, with what else two curves may differ in."""
    options = dict(row["protection_options"])
    options.pop("clip_norm", None)
    name = str(options.pop("granularity", "example"))
    return " ".join([name, *(str(options[key]) for key in sorted(options))])


def _unclipped(data: RunData) -> Iterator[Group]:
    """Yield the rows without a protection of their own or of their strategy."""
    free = {row["name"] for row in _compared(data) if row.get("protection", "none") == "none"}
    drawn = (group for group in groups(data) if group.name in free and group.wer() is not None)
    return (group for group in drawn if not any(row.epsilon or row.epsilon_kind for row in group.rows))


def _wer(group: Group) -> float:
    wer = group.wer()
    return math.nan if wer is None else wer.value


def _heights(drawn: list[BoundCurve], flat: list[Group]) -> list[float]:
    everyone = [*flat, *(group for curve in drawn for _, group in curve.points)]
    return [100 * height for group in everyone for height in (_wer(group), *(group.interval() or ()))]


def _draw(axes: Axes, curve: BoundCurve, look: Look, moved: float) -> None:
    bounds, wers = [bound * moved for bound, _ in curve.points], [100 * _wer(group) for _, group in curve.points]
    axes.plot(bounds, wers, color=look.colour, linewidth=1.2, zorder=2)
    axes.plot(bounds, wers, look.marker, markersize=5.5, color=look.colour, markeredgecolor="white", zorder=3)
    for bound, (_, group) in zip(bounds, curve.points, strict=True):
        ends = [100 * end for end in group.interval() or ()]
        axes.plot([bound] * len(ends), ends, color=look.colour, linewidth=1.4, alpha=0.7)
