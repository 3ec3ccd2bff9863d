"""Axes that several figures share: logarithmic bytes, time and ε, word error rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from fedasr.report.words.units import bytes_text, seconds_text

TICK_GAP = 0.17
_SECONDS = (
    0.001,
    0.01,
    0.1,
    1,
    3,
    10,
    30,
    60,
    180,
    600,
    1800,
    3600,
    10_800,
    36_000,
    86_400,
    864_000,
    8_640_000,
)
_WER_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


def log_bytes(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic in bytes."""
    steps = (1, 10) if high / low > 200 else (1, 2, 5)
    ticks = sorted({step * 10.0**power for power in range(16) for step in steps})
    _log(axes, low, high, ticks, bytes_text)


def log_seconds(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic in time, with ticks that people know."""
    _log(axes, low, high, _SECONDS, seconds_text)


def log_epsilon(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic in ε."""
    near = high / low <= 1000
    ticks = [2.0**power for power in range(-20, 20)] if near else [10.0**power for power in range(-6, 10)]
    _log(axes, low, high, ticks, lambda value: f"{value:g}" if value >= 1 else f"{value:.3g}", 0.1)


def log_bound(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic in a norm."""
    ticks = sorted(step * 10.0**power for power in range(-12, 12) for step in (1, 3))
    _log(axes, low, high, ticks, lambda value: f"{value:g}", 0.1)


def _log(
    axes: Axes, low: float, high: float, ticks: Sequence[float], text: Callable[[float], str], gap: float = TICK_GAP
) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    inside: list[float] = []
    for tick in ticks:
        if low <= tick <= high and (not inside or log(tick / inside[-1]) >= gap * log(high / low)):
            inside.append(tick)
    set_ticks(axes.xaxis, inside, text)


def set_ticks(axis: Axis, ticks: Sequence[float], text: Callable[[float], str]) -> None:
    """Set the ticks of an axis and how they read, with none between them."""
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def wer_axis(axes: Axes, values: Sequence[float]) -> None:
    """Linear from zero; logarithmic where the best would be squeezed to the floor."""
    low, high = max(min(values), 0.1), max(values)
    if high / low > 6:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.25, high * 1.15)
        set_ticks(axes.yaxis, [t for t in _WER_TICKS if low / 1.25 <= t <= high * 1.15], lambda value: f"{value:g}")
    else:
        axes.set_ylim(0, high * 1.08)
    axes.grid(axis="y")
