"""What a thresholded codec does as training goes on: the share of values sent, and the threshold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fedasr.report.pictures.drawing.axes import set_ticks
from fedasr.report.pictures.drawing.labels import Sample, label_ends
from fedasr.report.pictures.drawing.looks import Look, looks
from fedasr.report.pictures.drawing.style import drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.groups import Group, groups
from fedasr.runs.data import RoundData, RunData

MOST_POINTS = 300
PANEL_INCHES = 1.6
FEWEST_TIMES = 5.0
"""An axis goes to so many times its lowest value, so that it has ticks."""

Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class CodecPanel:
    """One thing a codec says of each round."""

    key: str
    label: str
    value: Callable[[RoundData], float | None]
    text: Callable[[float], str]


def share_text(value: float) -> str:
    """Return a share as percent with two digits: ``0.00123`` is ``"0.12%"``."""
    return f"{100 * value:.2g}%"


DENSITY = CodecPanel("density", "density:\nshare of values sent", lambda line: line.density, share_text)
THRESHOLD = CodecPanel("threshold", "threshold τ", lambda line: line.threshold, lambda value: f"{value:.2g}")


def codec_picture(data: RunData) -> list[Picture]:
    """Return density and threshold over the rounds, with their words."""
    caption = (
        "What the thresholded codec did in each round, the mean over the silos' messages and over seeds: the share of "
        "values that was sent, and the threshold that a value, with what earlier rounds left of it, has to reach."
    )
    if any(len(group.rows[0].metrics) > MOST_POINTS for group in groups(data)):
        caption += " Neighbouring rounds are averaged."
    numbers = (
        f"{name} {panel.key} from {panel.text(curve[0][1])} to {panel.text(curve[-1][1])}"
        for panel, curves in panels(data)
        for name, curve in curves.items()
    )
    return framed("codec", "Density and threshold", caption, "; ".join(numbers), density_and_threshold(data))


def density_and_threshold(data: RunData) -> Figure | None:
    """Draw density and threshold over the rounds, of the rows whose codec has them."""
    drawn = panels(data)
    if not drawn:
        return None
    with drawing():
        figure = new_figure(0.3 + PANEL_INCHES * len(drawn))
        look = looks(groups(data))
        column = figure.subplots(len(drawn), sharex=True, squeeze=False)[:, 0]
        for axes, (panel, curves) in zip(column, drawn, strict=True):
            _draw(axes, panel, curves, look)
        column[-1].set_xlabel("round")
        column[-1].xaxis.set_major_locator(MaxNLocator(6, integer=True))
        column[-1].set_xlim(left=0)
        figure.align_ylabels()
    return figure


def panels(data: RunData) -> list[tuple[CodecPanel, dict[str, Curve]]]:
    """Return density and threshold, each where some row has at least two rounds of it, with the rows' curves."""
    found = []
    for panel in (DENSITY, THRESHOLD):
        curves = {group.name: thinned(by_round(group, panel.value)) for group in groups(data)}
        curves = {name: curve for name, curve in curves.items() if len(curve) > 1}
        if curves:
            found.append((panel, curves))
    return found


def by_round(group: Group, value: Callable[[RoundData], float | None]) -> Curve:
    """Return a positive value over the rounds, the mean over the seeds that know it."""
    known: dict[int, list[float]] = {}
    for line in (line for row in group.rows for line in row.metrics):
        number = value(line)
        if number is not None and number > 0:
            known.setdefault(line.round, []).append(number)
    return [(float(number), fmean(known[number])) for number in sorted(known)]


def thinned(curve: Curve, most: int = MOST_POINTS) -> Curve:
    """Return a curve of at most so many points: each the mean of as many neighbours."""
    size = -(-len(curve) // most)
    if size <= 1:
        return curve
    parts = (curve[start : start + size] for start in range(0, len(curve), size))
    return [(fmean(place for place, _ in part), fmean(value for _, value in part)) for part in parts]


def _draw(axes: Axes, panel: CodecPanel, curves: dict[str, Curve], look: dict[str, Look]) -> None:
    for name, curve in curves.items():
        axes.plot([place for place, _ in curve], [value for _, value in curve], color=look[name].colour, linewidth=1.4)
    values = [value for curve in curves.values() for _, value in curve]
    widest = max(1.3, math.sqrt(FEWEST_TIMES * min(values) / max(values)))  # wide enough for two ticks
    low, high = min(values) / widest, max(values) * widest
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    set_ticks(axes.yaxis, _ticks(low, high), panel.text)
    axes.grid(axis="y")
    axes.set_ylabel(panel.label)
    ends = {name: curve[-1] for name, curve in curves.items()}
    label_ends(axes, ends, look, 1.04, text=panel.text, sample=Sample(mark=False))


def _ticks(low: float, high: float) -> list[float]:
    """Powers of ten, with 2 and 5 between them where that leaves no more than six ticks."""
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [t for power in range(-12, 7) for step in steps if low <= (t := step * 10.0**power) <= high]
        if len(ticks) <= 6:
            break
    return ticks[:: 1 + len(ticks) // 7]
