"""The names of rows beside an axis and at the ends of lines, moved apart where they would meet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnnotationBbox, DrawingArea, HPacker, TextArea

from fedasr.report.pictures.drawing.looks import Look
from fedasr.report.pictures.drawing.style import INK
from fedasr.report.words.groups import Group

LINE_INCHES = 0.17
_BESIDE_AXES_INCHES = 0.55
_SAMPLE_POINTS = 15


def name_rows(axes: Axes, everyone: Sequence[Group], look: Mapping[str, Look]) -> None:
    """Make the vertical axis a list of rows, the first on top, each in its colour where it has a look."""
    axes.set_yticks(range(len(everyone)), [shortened(group.name) for group in everyone])
    axes.set_ylim(len(everyone) - 0.5, -0.6)
    axes.tick_params(axis="y", length=0, labelsize=9)
    for label, group in zip(axes.get_yticklabels(), everyone, strict=True):
        label.set_color(look[group.name].ink if group.name in look else INK)
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


@dataclass(frozen=True)
class Sample:
    """What stands before a name in a column, so that no line need lead to it: how its row is drawn.

    ``dashed`` names the rows of dashed lines, which have no marks.
    """

    line: bool = True
    mark: bool = True
    dashed: Collection[str] = ()


def height_of(names: int, least: float) -> float:
    """Return the inches of a figure beside which so many names find room, one below the other."""
    return max(least, LINE_INCHES * names + _BESIDE_AXES_INCHES)


def label_ends(
    axes: Axes,
    ends: Mapping[str, tuple[float, float]],
    look: Mapping[str, Look],
    column: float | None = None,
    remarks: Mapping[str, str] = MappingProxyType({}),
    text: Callable[[float], str] = one_decimal,
    sample: Sample = Sample(),
) -> None:
    """Name each line or dot in a column right of the axes, or just beside it; names move apart."""
    to_axes = axes.transData + axes.transAxes.inverted()
    places = [to_axes.transform(end) for end in ends.values()]
    heights = spread([float(place[1]) for place in places], _gap(axes))
    for (name, end), place, height in zip(ends.items(), places, heights, strict=True):
        words = f"{shortened(name, 20)}  {text(end[1])}{remarks.get(name, '')}"
        if column is None:
            _lead(axes, words, end, (float(place[0]) + 0.05, height), look[name])
        else:
            axes.add_artist(_entry(words, (column, height), look[name], name in sample.dashed, sample))


def _gap(axes: Axes) -> float:
    """Return the height of a line of words as a share of the axes'."""
    figure, grid = axes.get_figure(root=True), axes.get_subplotspec()
    rows = 1 if grid is None else grid.get_gridspec().nrows
    inches = 3.1 if figure is None else figure.get_figheight() / rows
    return LINE_INCHES / (inches - _BESIDE_AXES_INCHES)


def _lead(axes: Axes, words: str, end: tuple[float, float], place: tuple[float, float], look: Look) -> None:
    axes.annotate(
        words, end, place, textcoords="axes fraction", va="center", color=look.ink, annotation_clip=False,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        arrowprops={
            "arrowstyle": "-", "relpos": (0, 0.5), "color": look.colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 1,
        },
    )  # fmt: skip


def _entry(words: str, place: tuple[float, float], look: Look, dashed: bool, sample: Sample) -> AnnotationBbox:
    """Return a name with a piece of its line or its mark before it."""
    box = DrawingArea(_SAMPLE_POINTS, 8)
    if dashed:
        box.add_artist(Line2D([0, _SAMPLE_POINTS], [4, 4], color=look.colour, linewidth=1.2, dashes=look.dashes))
    elif sample.line:
        box.add_artist(Line2D([0, _SAMPLE_POINTS], [4, 4], color=look.colour, linewidth=1.6))
    if sample.mark and not dashed:
        middle = [_SAMPLE_POINTS / 2], [4]
        box.add_artist(Line2D(*middle, color=look.colour, marker=look.marker, markersize=4, linestyle=""))
    packed = HPacker(children=[box, TextArea(words, textprops={"color": look.ink})], pad=0, sep=4, align="center")
    return AnnotationBbox(
        packed, place, xycoords="axes fraction", box_alignment=(0, 0.5), frameon=False, pad=0, annotation_clip=False
    )
