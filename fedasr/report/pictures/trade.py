"""Word error rate against what it cost: bytes and simulated time, with the front of the best bargains."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedasr.report.pictures.costs import BYTES, SECONDS, Cost, Dots, dots_of, has_network, marked_front
from fedasr.report.pictures.drawing.axes import wer_axis
from fedasr.report.pictures.drawing.labels import Sample, height_of, label_ends
from fedasr.report.pictures.drawing.looks import Look, looks
from fedasr.report.pictures.drawing.style import FAINT, drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.units import bytes_text, listing, percent, seconds_text
from fedasr.runs.data import RunData

MOST_BESIDE = 3


def trade_picture(data: RunData) -> list[Picture]:
    """Return the test WER against the bytes, with its words."""
    caption = (
        "Test word error rate (with its 95% interval) against all bytes that crossed the network; lower "
        "left is better, and dashed lines are rows that send nothing."
    )
    numbers = (f"{name} {percent(wer)}% for {bytes_text(count)}" for name, (count, wer) in dots_of(data, BYTES).items())
    caption += _front(data, BYTES)
    return framed("trade", "What the bytes buy", caption, "; ".join(numbers), wer_by_bytes(data))


def trade_time_picture(data: RunData) -> list[Picture]:
    """Return the test WER against simulated time, with its words."""
    figure = wer_by_seconds(data)
    if figure is None:
        return []
    caption = (
        "Test word error rate (with its 95% interval) against the time of the modelled network and devices, "
        f"waiting included; dashed lines are rows that were not timed.{_networks(data)}{_front(data, SECONDS)}"
    )
    numbers = (
        f"{name} {percent(wer)}% in {seconds_text(count)}"
        for name, (count, wer) in dots_of(data, SECONDS).items()
        if count > 0
    )
    return framed("trade-time", "What the time buys", caption, "; ".join(numbers), figure)


def _front(data: RunData, cost: Cost) -> str:
    names = marked_front(data, cost)
    if not names:
        return ""
    return (
        f" Ringed, on the thin line, is the Pareto front, references aside: none is at once better and cheaper than "
        f"{listing(names)}."
    )


def _networks(data: RunData) -> str:
    """Which networks were modelled; a row without one has no transfer time."""
    names = sorted({row.network or "none" for row in data.rows if row.simulated_seconds})
    without = " (compute alone, bytes take no time)"
    return f" Networks: {listing([name + without if name == 'none' else name for name in names])}."


def wer_by_bytes(data: RunData) -> Figure | None:
    """Draw the test WER against all bytes sent; rows that send nothing are horizontal lines."""
    return _trade(data, BYTES)


def wer_by_seconds(data: RunData) -> Figure | None:
    """Draw the test WER against simulated time, where a network was simulated and two rows were timed."""
    timed = [dot for dot in dots_of(data, SECONDS).values() if dot[0] > 0]
    return _trade(data, SECONDS) if len(timed) > 1 and has_network(data) else None


def _trade(data: RunData, cost: Cost) -> Figure | None:
    everyone, dots = groups(data), dots_of(data, cost)
    paid = [count for count, _ in dots.values() if count > 0]
    if not paid:
        return None
    with drawing():
        figure = new_figure(height_of(len(dots), 3.1))
        axes = figure.add_subplot()
        look = looks(everyone)
        low, high = min(paid) / 4, max(paid) * 4
        best = marked_front(data, cost)
        _draw_front(axes, [dots[name] for name in best])
        for group in everyone:
            if group.name in dots:
                _draw_cost(axes, group, dots[group.name][0], (low, high), look[group.name], group.name in best)
        intervals = [end for group in everyone for end in group.interval() or ()]
        wer_axis(axes, [*(100 * wer for _, wer in dots.values()), *(100 * end for end in intervals)])
        cost.scale(axes, low, high)
        axes.set_xlabel(cost.label)
        axes.set_ylabel("word error rate on\ntest speakers (%)")
        _name(axes, dots, high, look)
    return figure


def _name(axes: Axes, dots: Dots, right: float, look: dict[str, Look]) -> None:
    """Name lines at the right, and a few dots beside themselves; more dots would hide each other behind names."""
    ends = {name: (count or right, 100 * wer) for name, (count, wer) in dots.items()}
    paid = {name: end for name, end in ends.items() if dots[name][0]}
    beside = paid if len(paid) <= MOST_BESIDE else {}
    free = [name for name in ends if name not in paid]
    apart = {name: end for name, end in ends.items() if name not in beside}
    label_ends(axes, apart, look, 1.04, sample=Sample(line=False, dashed=free))
    label_ends(axes, beside, look)


def _draw_front(axes: Axes, dots: list[tuple[float, float]]) -> None:
    if dots:
        costs, wers = [count for count, _ in dots], [100 * wer for _, wer in dots]
        axes.plot(costs, wers, color=FAINT, linewidth=0.8, drawstyle="steps-post", zorder=1.5)


def _draw_cost(axes: Axes, group: Group, count: float, limits: tuple[float, float], look: Look, best: bool) -> None:
    wer = group.mean(lambda row: row.wer) or 0.0
    if not count:
        axes.plot(limits, [100 * wer] * 2, color=look.colour, linewidth=1.2, dashes=look.dashes)
        return
    if ends := group.interval():
        axes.plot([count] * 2, [100 * end for end in ends], color=look.colour, linewidth=1.4)
    axes.plot(count, 100 * wer, look.marker, markersize=7, color=look.colour, markeredgecolor="white")
    if best:
        axes.plot(count, 100 * wer, "o", markersize=11, markerfacecolor="none", markeredgecolor=FAINT)
