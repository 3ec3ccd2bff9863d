"""Word error rate: of each row, and over the rounds."""

from __future__ import annotations

from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fedasr.report.pictures.drawing.axes import wer_axis
from fedasr.report.pictures.drawing.labels import Sample, height_of, label_ends, name_rows
from fedasr.report.pictures.drawing.looks import Look, looks
from fedasr.report.pictures.drawing.style import FAINT, drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.units import percent
from fedasr.runs.data import RunData

Curve = list[tuple[float, float]]

INTERVAL = "of one training over speakers alone, of several over speakers and trainings"


def wer_picture(data: RunData) -> list[Picture]:
    """Return the test WER of each row, with its words."""
    caption = (
        "Word error rate on test speakers, whom no silo and no public set holds; the whisker is the 95% "
        f"interval, {INTERVAL}"
    )
    if any(len(group.finished) > 1 for group in groups(data)):
        caption += "; the small circles are single trainings, the large dot is all their errors together"
    numbers = (
        f"{group.name} {percent(wer.value)}%" if (wer := group.wer()) else f"{group.name} not measured"
        for group in groups(data)
    )
    return framed("wer", "Word error rate", f"{caption}.", "; ".join(numbers), wer_by_row(data))


def rounds_picture(data: RunData) -> list[Picture]:
    """Return the development WER over the rounds, with its words."""
    caption = (
        "Word error rate on the development speakers after each round (round 0 is the shared start); "
        "dashed lines are rows without rounds."
    )
    numbers = (
        f"{group.name} ends at {percent(wer)}%"
        for group in groups(data)
        if (wer := group.mean(lambda row: row.development_wer)) is not None
    )
    return framed("rounds", "Progress over the rounds", caption, "; ".join(numbers), wer_by_round(data))


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
    ends = [100 * end for end in group.interval() or ()]
    if ends:
        axes.plot(ends, [position] * 2, color=look.colour, linewidth=2.2, solid_capstyle="butt")
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
    right = (max([*ends, *seeds]), position)
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
        figure = new_figure(height_of(len(curves) + len(flat), 3.1))
        axes = figure.add_subplot()
        look = looks(everyone)
        last = max(curve[-1][0] for group in curves.values() for curve in group)
        ends = {name: _draw_curves(axes, group, look[name]) for name, group in curves.items()}
        for name, wer in flat.items():
            axes.plot([0, last], [100 * wer] * 2, color=look[name].colour, linewidth=1.2, dashes=look[name].dashes)
            ends[name] = (last, 100 * wer)
        values = [100 * wer for group in curves.values() for curve in group for _, wer in curve]
        wer_axis(axes, [*values, *(100 * wer for wer in flat.values())])
        axes.set_xlim(0, last)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("round")
        axes.set_ylabel("word error rate on\ndevelopment speakers (%)")
        broken = {group.name: " (failed)" for group in everyone if not group.finished}
        label_ends(axes, ends, look, 1.04, broken, sample=Sample(dashed=flat))
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
