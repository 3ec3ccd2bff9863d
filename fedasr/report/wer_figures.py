"""Word error rate: of each row, over the rounds, and for the bytes it cost."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from types import MappingProxyType

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from fedasr.report.canvas import FAINT, Look, drawing, looks, name_rows, new_figure, shortened, spread
from fedasr.report.cost_figures import log_bytes, total_bytes
from fedasr.report.data import RunData
from fedasr.report.groups import Group, groups
from fedasr.report.units import percent

Curve = list[tuple[float, float]]


def wer_by_row(data: RunData) -> Figure | None:
    """Draw the test WER of each row as a dot, its 95% interval as a whisker, seeds as small dots."""
    everyone = groups(data)
    if not any(group.wer() for group in everyone):
        return None
    with drawing():
        figure = new_figure(0.75 + 0.36 * len(everyone))
        axes = figure.add_subplot()
        look = looks(everyone)
        for position, group in enumerate(everyone):
            _dot_and_whisker(axes, group, position, look[group.name])
        name_rows(axes, everyone, look)
        axes.set_xlabel("word error rate on test speakers (%)")
        axes.set_xlim(left=0)
        axes.margins(x=0.08)
    return figure


def _dot_and_whisker(axes: Axes, group: Group, position: int, look: Look) -> None:
    wer = group.wer()
    if wer is None:
        text = "not measured" if group.finished else "failed"
        axes.annotate(text, (0, position), (4, 0), textcoords="offset points", va="center", color=FAINT)
        return
    low, high = group.interval() or (wer.value, wer.value)
    axes.plot([100 * low, 100 * high], [position] * 2, color=look.colour, linewidth=2.2, solid_capstyle="butt")
    seeds = [100 * value for value in group.values(lambda row: row.wer)]
    if len(seeds) > 1:
        axes.plot(
            seeds,
            [position + 0.24] * len(seeds),
            "o",
            markersize=3,
            color=look.colour,
            markerfacecolor="white",
        )
    axes.plot(100 * wer.value, position, look.marker, markersize=7, color=look.colour, markeredgecolor="white")
    right = (100 * max(high, *([value / 100 for value in seeds])), position)
    axes.annotate(percent(wer.value), right, (6, 0), textcoords="offset points", va="center", color=look.ink)


def wer_by_round(data: RunData) -> Figure | None:
    """Draw the development WER against rounds; rows without rounds are horizontal lines."""
    everyone = groups(data)
    curves = {group.name: curves for group in everyone if (curves := _curves(group))}
    if not curves:
        return None
    flat = {
        group.name: wer
        for group in everyone
        if group.name not in curves and (wer := group.mean(lambda row: row.development_wer)) is not None
    }
    with drawing():
        figure = new_figure(3.1)
        axes = figure.add_subplot()
        look = looks(everyone)
        last = max(curve[-1][0] for group in curves.values() for curve in group)
        ends = {name: _draw_curves(axes, group, look[name]) for name, group in curves.items()}
        for name, wer in flat.items():
            axes.plot([0, last], [100 * wer] * 2, color=look[name].colour, linewidth=1.2, dashes=look[name].dashes)
            ends[name] = (last, 100 * wer)
        values = [100 * wer for group in curves.values() for curve in group for _, wer in curve]
        _wer_axis(axes, [*values, *(100 * wer for wer in flat.values())])
        axes.set_xlim(0, last)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("round")
        axes.set_ylabel("word error rate on\ndevelopment speakers (%)")
        broken = {group.name: " (failed)" for group in everyone if not group.finished}
        _label(axes, ends, look, 1.04, broken)
    return figure


def _curves(group: Group) -> list[Curve]:
    """The development WER of each seed, where there are at least two rounds of it."""
    found = (
        [(float(line.round), line.development_wer) for line in row.metrics if line.development_wer is not None]
        for row in group.rows
    )
    return [curve for curve in found if len(curve) > 1]


def _draw_curves(axes: Axes, curves: list[Curve], look: Look) -> tuple[float, float]:
    """Draw a thin line for each seed and a thick one for their mean; return the end of the mean."""
    if len(curves) > 1:
        for curve in curves:
            axes.plot(*_columns(curve), color=look.colour, linewidth=0.8, alpha=0.45)
    shared = sorted(set.intersection(*({place for place, _ in curve} for curve in curves)))
    tables = [dict(curve) for curve in curves]
    mean = [(place, fmean(table[place] for table in tables)) for place in shared] or curves[0]
    places, values = _columns(mean)
    few = len(places) <= 40
    axes.plot(places, values, color=look.colour, linewidth=1.8, marker=look.marker if few else "", markersize=3)
    return places[-1], values[-1]


def _columns(curve: Curve) -> tuple[list[float], list[float]]:
    return [place for place, _ in curve], [100 * wer for _, wer in curve]


def _wer_axis(axes: Axes, values: list[float]) -> None:
    """Linear from zero; logarithmic where the best would be squeezed to the floor."""
    low, high = max(min(values), 0.1), max(values)
    if high / low > 6:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.25, high * 1.15)
        ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
        axes.yaxis.set_major_locator(FixedLocator([t for t in ticks if low / 1.25 <= t <= high * 1.15]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(0, high * 1.08)
    axes.grid(axis="y")


def _label(
    axes: Axes,
    ends: dict[str, tuple[float, float]],
    look: dict[str, Look],
    column: float | None = None,
    remarks: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Name each line or dot in a column right of the axes, or just beside it; names move apart."""
    to_axes = axes.transData + axes.transAxes.inverted()
    places = [to_axes.transform(end) for end in ends.values()]
    heights = spread([float(place[1]) for place in places], 0.075)
    for (name, end), place, height in zip(ends.items(), places, heights, strict=True):
        axes.annotate(
            f"{shortened(name, 20)}  {end[1]:.1f}{remarks.get(name, '')}",
            end,
            (column or float(place[0]) + 0.05, height),
            textcoords="axes fraction",
            va="center",
            color=look[name].ink,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": look[name].colour,
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 1,
            },
        )


def wer_by_bytes(data: RunData) -> Figure | None:
    """Draw the test WER against all bytes sent; rows that send nothing are horizontal lines."""
    everyone = groups(data)
    places = {group.name: (total_bytes(group), wer) for group in everyone if (wer := group.wer()) is not None}
    sent = [count for count, _ in places.values() if count > 0]
    if not sent:
        return None
    with drawing():
        figure = new_figure(3.1)
        axes = figure.add_subplot()
        look = looks(everyone)
        low, high = min(sent) / 4, max(sent) * 4
        ends: dict[str, tuple[float, float]] = {}
        for group in everyone:
            if group.name in places:
                count, wer = places[group.name]
                _draw_cost(axes, group, count, (low, high), look[group.name])
                ends[group.name] = (count or high, 100 * wer.value)
        intervals = [end for group in everyone for end in group.interval() or ()]
        _wer_axis(axes, [*(end[1] for end in ends.values()), *(100 * end for end in intervals)])
        log_bytes(axes, low, high)
        axes.set_xlabel("bytes sent, up and down together")
        axes.set_ylabel("word error rate on\ntest speakers (%)")
        _label(axes, {name: end for name, end in ends.items() if not places[name][0]}, look, 1.04)
        _label(axes, {name: end for name, end in ends.items() if places[name][0]}, look)
    return figure


def _draw_cost(axes: Axes, group: Group, count: float, limits: tuple[float, float], look: Look) -> None:
    wer = group.mean(lambda row: row.wer) or 0.0
    if not count:
        axes.plot(limits, [100 * wer] * 2, color=look.colour, linewidth=1.2, dashes=look.dashes)
        return
    low, high = group.interval() or (wer, wer)
    axes.plot([count] * 2, [100 * low, 100 * high], color=look.colour, linewidth=1.4)
    axes.plot(count, 100 * wer, look.marker, markersize=7, color=look.colour, markeredgecolor="white")
