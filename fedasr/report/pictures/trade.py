"""Word error rate against what it cost: bytes and simulated time, with the front of the best bargains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedasr.report.pictures.axes import label_ends, log_bytes, log_seconds, wer_axis
from fedasr.report.pictures.canvas import FAINT, Look, drawing, looks, new_figure
from fedasr.report.pictures.cost import total_bytes
from fedasr.report.words.findings import is_reference
from fedasr.report.words.groups import Group, groups
from fedasr.runs.records import RunData

MOST_BESIDE = 3

Dots = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Cost:
    """What a figure sets the word error rate against."""

    value: Callable[[Group], float]
    scale: Callable[[Axes, float, float], None]
    label: str


BYTES = Cost(total_bytes, log_bytes, "bytes sent, up and down together")
SECONDS = Cost(
    lambda group: group.mean(lambda row: row.simulated_seconds) or 0.0,
    log_seconds,
    "simulated time of the whole run",
)


def front(dots: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the names of the (cost, WER) pairs that no other beats in one without losing in the other.

    In order of cost; equal pairs stand or fall together.
    """
    order = sorted(dots, key=lambda name: dots[name])
    best: list[str] = []
    for name in order:
        if not best or dots[name][1] < dots[best[-1]][1] or dots[name] == dots[best[-1]]:
            best.append(name)
    return best


def dots_of(data: RunData, cost: Cost) -> Dots:
    """Return the cost and the mean test WER of each row that has a WER."""
    return {group.name: (cost.value(group), wer.value) for group in groups(data) if (wer := group.wer()) is not None}


def marked_front(data: RunData, cost: Cost) -> list[str]:
    """Return the front among the rows that cost something; empty where it has but one place, which is no front.

    References compete with nobody: what they do with speech is what the others may not do. Costs are taken
    to three digits: a few bytes of names are no bargain.
    """
    rivals = {group.name for group in groups(data) if not is_reference(group)}
    paid = {name: dot for name, dot in dots_of(data, cost).items() if dot[0] > 0 and name in rivals}
    dots = {name: (float(f"{count:.2e}"), wer) for name, (count, wer) in paid.items()}
    best = front(dots)
    return best if len({dots[name] for name in best}) > 1 else []


def wer_by_bytes(data: RunData) -> Figure | None:
    """Draw the test WER against all bytes sent; rows that send nothing are horizontal lines."""
    return _trade(data, BYTES)


def wer_by_seconds(data: RunData) -> Figure | None:
    """Draw the test WER against simulated time, where a network was simulated and two rows were timed."""
    timed = [dot for dot in dots_of(data, SECONDS).values() if dot[0] > 0]
    return _trade(data, SECONDS) if len(timed) > 1 and has_network(data) else None


def has_network(data: RunData) -> bool:
    """Whether any row ran over a network that takes time; without one, simulated time is compute alone."""
    return any(row.network not in (None, "", "none") for row in data.rows)


def _trade(data: RunData, cost: Cost) -> Figure | None:
    everyone, dots = groups(data), dots_of(data, cost)
    paid = [count for count, _ in dots.values() if count > 0]
    if not paid:
        return None
    with drawing():
        figure = new_figure(3.1)
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
    label_ends(axes, {name: end for name, end in ends.items() if name not in beside}, look, 1.04)
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
    low, high = group.interval() or (wer, wer)
    axes.plot([count] * 2, [100 * low, 100 * high], color=look.colour, linewidth=1.4)
    axes.plot(count, 100 * wer, look.marker, markersize=7, color=look.colour, markeredgecolor="white")
    if best:
        axes.plot(count, 100 * wer, "o", markersize=11, markerfacecolor="none", markeredgecolor=FAINT)
