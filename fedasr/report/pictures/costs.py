"""What a row costs, and which rows are the best bargains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

from matplotlib.axes import Axes

from fedasr.report.pictures.drawing.axes import log_bytes, log_seconds
from fedasr.report.words.findings import is_reference
from fedasr.report.words.groups import Group, groups
from fedasr.runs.data import RunData

Dots = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Cost:
    """What a figure sets the word error rate against."""

    value: Callable[[Group], float | None]
    scale: Callable[[Axes, float, float], None]
    label: str


def total_bytes(group: Group) -> float | None:
    """Return the bytes of a group in both directions, the mean over its seeds; None where they are not told."""
    both = (row for row in group.finished if row.uplink_bytes is not None or row.downlink_bytes is not None)
    told = [(row.uplink_bytes or 0) + (row.downlink_bytes or 0) for row in both]
    return fmean(told) if told else None


BYTES = Cost(total_bytes, log_bytes, "bytes sent, up and down together")
SECONDS = Cost(
    lambda group: group.mean(lambda row: row.simulated_seconds) or 0.0,
    log_seconds,
    "simulated time of the whole run",
)


def has_network(data: RunData) -> bool:
    """Whether any row ran over a network that takes time; without one, simulated time is compute alone."""
    return any(row.network not in (None, "", "none") for row in data.rows)


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
    """Return the cost and the mean test WER of each row that has a WER and tells its cost."""
    return {
        group.name: (count, wer.value)
        for group in groups(data)
        if (wer := group.wer()) is not None and (count := cost.value(group)) is not None
    }


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
