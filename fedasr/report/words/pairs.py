"""Rows beside each other, in words: what the paired interval says, and what it does not hold."""

from __future__ import annotations

from fedasr.comparison.intervals import FEWEST_TRAININGS, Interval
from fedasr.report.words.covered import ALIKE, ends_of
from fedasr.report.words.groups import Group, paired
from fedasr.report.words.promises import strategy_name
from fedasr.report.words.units import count_text, listing, percent

START = "public-only"
"""The strategy whose row is the start that the others begin from."""


def trainings_text(found: Interval) -> str:
    """Return of how many trainings a rate is, such as ``"3 seeds"``; empty with one."""
    return "" if found.trainings < 2 else count_text(found.trainings, "draw" if found.draws > 1 else "seed")


def covered(found: Interval) -> str:
    """Return what an interval does not hold, as the end of a sentence; empty where it holds all."""
    kind = "draw" if found.draws > 1 else "seed"
    if found.trainings == 1:
        return "with one seed the noise of training is not in the interval, and no winner is called"
    if found.trainings < FEWEST_TRAININGS:
        return f"with two {kind}s the noise of training is hardly known, and no winner is called"
    return ""


def ratio_text(found: Interval) -> str:
    """Return a ratio with its interval: ``"0.87 (0.80–0.95)"``."""
    if found.low is None or found.high is None:
        return f"{found.value:.2f}"
    value, low, high = f"{found.value:.2f}", _short(found.low), _short(found.high)
    return f"{value} ({ALIKE if value == low == high else f'{low}–{high}'})"


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.0f}" if value < 99.5 else "> 100"


def standing(best: Group, others: list[Group], subject: str = "it") -> str:
    """Return what the paired intervals say of the row with the lowest rate beside the others: one clause.

    `subject` is what the clause calls that row.
    """
    pairs = [(other.name, found) for other in others if (found := paired(best, other)) is not None]
    if not pairs:
        return f"{subject} cannot be paired with another row, so no winner is called"
    if reason := covered(min((found for _, found in pairs), key=lambda found: found.trainings)):
        return reason
    better = [name for name, found in pairs if found.is_decided]
    unknown = [other.name for other in others if other.name not in better]
    if not unknown:
        return f"paired by speaker, {subject} is better than every other row" if len(others) > 1 else (
            f"paired by speaker, {subject} is better than {others[0].name}"
        )  # fmt: skip
    apart = f"better than {listing(better)}, " if better else ""
    return f"paired by speaker, {subject} is {apart}not told apart from {listing(unknown)}"


def worse_than_start(group: Group, everyone: list[Group]) -> str | None:
    """Return a remark where a row's paired interval beside the start lies above 1; None elsewhere."""
    start = next((other for other in everyone if _is_start(other)), None)
    if start is None or start.name == group.name or strategy_name(group.strategy) == START:
        return None
    found = paired(group, start)
    if found is None or found.low is None or found.low <= 1:
        return None
    noise = "; the noise of training is not in it" if found.trainings == 1 else ""
    own = any(row.wer_spread for row in group.finished)
    why = "; each of its models is one silo's own, and new speakers are strangers to it" if own else ""
    return f"worse than the start ({start.name}): {ratio_text(found)} times its word errors, paired{noise}{why}"


def _is_start(group: Group) -> bool:
    """Whether a row is the start as it is, and not trained further or of another role."""
    return strategy_name(group.strategy) == START and not any(row.rounds or row.role for row in group.rows)


def rate_text(found: Interval) -> str:
    """Return a rate's interval in words: ``"95% interval 10.6 to 14.4%, 3 seeds"``."""
    if found.low is None or found.high is None:
        few = "no interval" if found.speakers > 1 else "no interval, with fewer than two test speakers"
        return ", ".join(filter(None, (few, trainings_text(found))))
    alike = ends_of(found) == ALIKE
    ends = f"no interval: {ALIKE}" if alike else f"95% interval {percent(found.low)} to {percent(found.high)}%"
    return ", ".join(filter(None, (ends, trainings_text(found))))
