"""The names of rows beside an axis and at the ends of lines, moved apart where they would meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from matplotlib.axes import Axes

from fedasr.report.pictures.drawing.looks import Look
from fedasr.report.words.groups import Group

LINE_INCHES = 0.19


def name_rows(axes: Axes, everyone: Sequence[Group], look: dict[str, Look]) -> None:
    """Make the vertical axis a list of rows, the first on top, each in its colour."""
    axes.set_yticks(range(len(everyone)), [shortened(group.name) for group in everyone])
    axes.set_ylim(len(everyone) - 0.5, -0.6)
    axes.tick_params(axis="y", length=0, labelsize=9)
    for label, group in zip(axes.get_yticklabels(), everyone, strict=True):
        label.set_color(look[group.name].ink)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def shortened(name: str, most: int = 26) -> str:
    """Return a name that fits beside an axis."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def spread(positions: Sequence[float], gap: float, lowest: float = 0.0, highest: float = 1.0) -> list[float]:
    """Move positions apart to at least ``gap``, in their order, within limits where there is room."""
    order = sorted(range(len(positions)), key=lambda index: (positions[index], index))
    moved = list(positions)
    floor = lowest
    for index in order:
        moved[index] = max(moved[index], floor)
        floor = moved[index] + gap
    ceiling = highest
    for index in reversed(order):
        moved[index] = min(moved[index], ceiling)
        ceiling = moved[index] - gap
    return moved


def one_decimal(value: float) -> str:
    """Return a percentage as labels give it."""
    return f"{value:.1f}"


def label_ends(
    axes: Axes,
    ends: Mapping[str, tuple[float, float]],
    look: Mapping[str, Look],
    column: float | None = None,
    remarks: Mapping[str, str] = MappingProxyType({}),
    text: Callable[[float], str] = one_decimal,
    gap: float = 0.075,
) -> None:
    """Name each line or dot in a column right of the axes, or just beside it; names move apart."""
    to_axes = axes.transData + axes.transAxes.inverted()
    places = [to_axes.transform(end) for end in ends.values()]
    heights = spread([float(place[1]) for place in places], gap)
    for (name, end), place, height in zip(ends.items(), places, heights, strict=True):
        axes.annotate(
            f"{shortened(name, 20)}  {text(end[1])}{remarks.get(name, '')}",
            end,
            (column or float(place[0]) + 0.05, height),
            textcoords="axes fraction",
            va="center",
            color=look[name].ink,
            annotation_clip=False,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
            arrowprops={
                "arrowstyle": "-",
                "relpos": (0, 0.5),
                "color": look[name].colour,
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 1,
            },
        )
