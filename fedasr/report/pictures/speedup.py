"""How the rows would go on with more workers, beside what was published."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedasr.report.pictures.drawing.axes import set_ticks
from fedasr.report.pictures.drawing.labels import Sample, label_ends
from fedasr.report.pictures.drawing.looks import looks
from fedasr.report.pictures.drawing.style import FAINT, INK, drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.groups import groups
from fedasr.runs.data import RunData, SpeedupCurve

_MARKERS = ("o", "s", "D", "^")


def speedup_picture(data: RunData) -> list[Picture]:
    """Return the speed-up against workers, with its words."""
    found = data.speedups
    if found is None:
        return []
    caption = (
        f"How many times faster than one worker the run's own model and messages would go through the data, replayed "
        f"on the network {found.network} ({found.note}), each worker with the same work between exchanges; hollow "
        f"marks are published ({found.source}), with other models and bytes than this run's."
    )
    numbers = (
        f"{curve.name} {curve.speedups[-1]:,.3g} times with {curve.workers[-1]:,} workers" for curve in found.curves
    )
    return framed("speedup", "Speed-up against workers", caption, "; ".join(numbers), speedup_by_workers(data))


def speedup_by_workers(data: RunData) -> Figure | None:
    """Draw the speed-up of each row that trained a model together, the ideal and the published points."""
    if data.speedups is None:
        return None
    found = data.speedups
    most = max(number for curve in found.curves for number in curve.workers)
    with drawing():
        figure = new_figure(3.5)
        axes = figure.add_subplot()
        look = looks(groups(data))
        axes.plot([1, most], [1, most], color=FAINT, linewidth=0.8, dashes=(5, 3), label="ideal")
        for curve in found.curves:
            axes.plot(curve.workers, curve.speedups, color=look[curve.name].colour, linewidth=1.6)
        for curve, marker in zip(found.published, _MARKERS, strict=False):
            _hollow(axes, curve, marker)
        lowest = min(1.0, *(value for curve in found.curves for value in curve.speedups))
        _axes(axes, lowest, most)
        ends = {curve.name: (curve.workers[-1], curve.speedups[-1]) for curve in found.curves}
        label_ends(axes, ends, look, 1.04, text=lambda value: f"{value:,.3g} ×", sample=Sample(mark=False))
        figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    return figure


def _hollow(axes: Axes, curve: SpeedupCurve, marker: str) -> None:
    axes.plot(
        curve.workers, curve.speedups, marker, markersize=5, markerfacecolor="white", markeredgecolor=INK,
        label=f"{curve.name}, published",
    )  # fmt: skip


def _axes(axes: Axes, lowest: float, most: int) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.9, most)
    axes.set_ylim(lowest / 1.1, most)
    ticks = [4**power for power in range(-4, 10) if lowest / 1.1 <= 4**power <= most]
    set_ticks(axes.xaxis, [8**power for power in range(6) if 8**power <= most], lambda value: f"{value:,.0f}")
    set_ticks(axes.yaxis, ticks, lambda value: f"{value:,.3g}" if value < 1 else f"{value:,.0f}")
    axes.grid(axis="both")
    axes.set_xlabel("workers")
    axes.set_ylabel("speed-up over one worker")
