"""What the intervals of a comparison hold, and what they do not, in words."""

from __future__ import annotations

from fedasr.comparison.intervals import Interval
from fedasr.report.words.groups import groups
from fedasr.report.words.units import percent
from fedasr.runs.data import RunData

ONE_TRAINING = "of one training over speakers of this very model, the noise of training not in it"
ALIKE = "speakers alike"
"""Said of an interval whose ends read as its middle does."""
SEVERAL_TRAININGS = "of several seeds or draws (their errors together) over speakers and trainings"


def covered_line(data: RunData) -> str:
    """Return of what the intervals are that a comparison shows; empty where it shows none."""
    shown = [group for group in groups(data) if group.interval()]
    kinds = [
        *([SEVERAL_TRAININGS] if any(len(group.finished) > 1 for group in shown) else []),
        *([ONE_TRAINING] if any(len(group.finished) == 1 for group in shown) else []),
    ]
    return f"Intervals are of 95%: {'; '.join(kinds)}." if kinds else ""


def ends_of(found: Interval) -> str:
    """Return the ends of a rate's interval in percent: ``"10.6–14.4"``; empty where it has none.

    Ends that read as the rate itself tell a reader nothing: then speakers are said to be alike.
    """
    if found.low is None or found.high is None:
        return ""
    low, high = percent(found.low), percent(found.high)
    return ALIKE if low == high == percent(found.value) else f"{low}–{high}"
