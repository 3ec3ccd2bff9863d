"""What learning costs: development WER over the bytes sent and over simulated time, round by round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedasr.report.pictures.costs import has_network
from fedasr.report.pictures.drawing.axes import log_bytes, log_seconds, wer_axis
from fedasr.report.pictures.drawing.labels import height_of, label_ends
from fedasr.report.pictures.drawing.looks import Look, looks
from fedasr.report.pictures.drawing.style import drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.units import bytes_text, listing, percent, seconds_text
from fedasr.runs.data import RoundData, RowData, RunData

FEWEST_ROUNDS = 3
SAME_COST = 1.25
"""Rows whose rounds cost the same within this factor learn over cost as they do over rounds."""
PANEL_INCHES = 2.3

Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class CostPanel:
    """One cost to learn against."""

    key: str
    label: str
    value: Callable[[RoundData], float]
    scale: Callable[[Axes, float, float], None]
    text: Callable[[float], str]


BYTES = CostPanel(
    "bytes",
    "bytes sent so far, up and down together",
    lambda line: (line.uplink_bytes or 0) + (line.downlink_bytes or 0),
    log_bytes,
    bytes_text,
)
SECONDS = CostPanel(
    "seconds", "simulated time so far", lambda line: line.simulated_seconds or 0.0, log_seconds, seconds_text
)


def learning_picture(data: RunData) -> list[Picture]:
    """Return the development WER over bytes and time, with its words."""
    figure, drawn = wer_by_cost(data), panels(data)
    if figure is None:
        return []
    against = {"bytes": "all bytes sent until then", "seconds": "simulated time until then"}
    caption = (
        "Word error rate on development speakers, round by round, against "
        f"{listing([against[panel.key] for panel, _ in drawn])}; "
        "several seeds are averaged, and round 0, before anything was spent, has no place on the logarithmic axis."
    )
    numbers = (
        f"{name} ends at {percent(curve[-1][1])}% after {panel.text(curve[-1][0])}"
        for panel, curves in drawn
        for name, curve in curves.items()
    )
    return framed("learning", "What learning costs", caption, "; ".join(numbers), figure)


def wer_by_cost(data: RunData) -> Figure | None:
    """Draw the development WER over the bytes and over the simulated time that rounds took."""
    drawn = panels(data)
    if not drawn:
        return None
    everyone = groups(data)
    with drawing():
        most = max(len(curves) for _, curves in drawn)
        figure = new_figure(height_of(most, PANEL_INCHES) * len(drawn))
        look = looks(everyone)
        for axes, (panel, curves) in zip(figure.subplots(len(drawn), squeeze=False)[:, 0], drawn, strict=True):
            _draw(axes, panel, curves, look)
    return figure


def panels(data: RunData) -> list[tuple[CostPanel, dict[str, Curve]]]:
    """Return the costs that at least two rows learned against and differ in, with the rows' curves."""
    chosen = [BYTES, SECONDS] if has_network(data) else [BYTES]
    found = []
    for panel in chosen:
        everyone = {group.name: learning_curve(group, panel.value) for group in groups(data)}
        curves = {name: curve for name, curve in everyone.items() if len(curve) >= FEWEST_ROUNDS}
        rates = [_cost_of_a_round(group, panel) for group in groups(data) if group.name in curves]
        if len(curves) > 1 and max(rates) > SAME_COST * min(rates):
            found.append((panel, curves))
    return found


def learning_curve(group: Group, value: Callable[[RoundData], float]) -> Curve:
    """Return (cost so far, development WER), the mean over the seeds of each round that all of them evaluated.

    Rounds before anything was spent are left out: a logarithmic axis has no place for them.
    """
    seeds = [points for row in group.rows if (points := _points(row, value))]
    shared = sorted(set.intersection(*(set(points) for points in seeds))) if seeds else []
    means = [tuple(map(fmean, zip(*(points[number] for points in seeds), strict=True))) for number in shared]
    return [(cost, wer) for cost, wer in means if cost > 0]


def _points(row: RowData, value: Callable[[RoundData], float]) -> dict[int, tuple[float, float]]:
    spent = accumulate(value(line) for line in row.metrics)
    return {
        line.round: (cost, line.development_wer)
        for line, cost in zip(row.metrics, spent, strict=True)
        if line.development_wer is not None
    }


def _cost_of_a_round(group: Group, panel: CostPanel) -> float:
    costs = [cost for row in group.rows for line in row.metrics if (cost := panel.value(line)) > 0]
    return fmean(costs)


def _draw(axes: Axes, panel: CostPanel, curves: dict[str, Curve], look: dict[str, Look]) -> None:
    for name, curve in curves.items():
        few = len(curve) <= 40
        costs, wers = [cost for cost, _ in curve], [100 * wer for _, wer in curve]
        axes.plot(
            costs, wers, color=look[name].colour, linewidth=1.6, marker=look[name].marker if few else "", markersize=3
        )
    wer_axis(axes, [100 * wer for curve in curves.values() for _, wer in curve])
    costs = [cost for curve in curves.values() for cost, _ in curve]
    panel.scale(axes, min(costs) / 1.5, max(costs) * 1.5)
    axes.set_xlabel(panel.label)
    axes.set_ylabel("word error rate on\ndevelopment speakers (%)")
    ends = {name: (curve[-1][0], 100 * curve[-1][1]) for name, curve in curves.items()}
    label_ends(axes, ends, look, 1.04)
