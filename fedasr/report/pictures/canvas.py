"""What all figures share: size, colour of each row, axes, and how they become SVG."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from fedasr.report.words.findings import is_reference
from fedasr.report.words.groups import Group

WIDTH_INCHES = 5.0
INK, FAINT, GRID = "#1f2933", "#616e7c", "#e4e7eb"

# Okabe and Ito's colours, told apart in every common kind of colour blindness; references are neutral.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7B5EA7", "#8C6D1F")
_NEUTRALS = ("#1f2933", "#66727f", "#95897a")
_DASHES = ((5, 2), (1.5, 1.5), (6, 2, 1.5, 2))
_MARKERS = ("o", "s", "D", "^", "v", "P", "X")

_STYLE = {
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9aa5b1",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "fedasr",
}


@dataclass(frozen=True)
class Look:
    """How a row is drawn, in every figure alike."""

    colour: str
    marker: str
    dashes: tuple[float, ...]

    @property
    def ink(self) -> str:
        """The colour for words, darkened until it reads well on white (a contrast of 4.5 to 1)."""
        red, green, blue = to_rgb(self.colour)
        while 1.05 / (_luminance(red, green, blue) + 0.05) < 4.5:
            red, green, blue = 0.96 * red, 0.96 * green, 0.96 * blue
        return to_hex((red, green, blue))


def _luminance(red: float, green: float, blue: float) -> float:
    """The relative luminance that web contrast is defined by."""
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue))
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@contextmanager
def drawing() -> Iterator[None]:
    """Apply the report's style, whatever the user's own settings, and put those back."""
    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        # The browser's fonts draw the words, whichever script they are in.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def new_figure(height_inches: float) -> Figure:
    """Return an empty figure of the report's width that belongs to no global state."""
    return Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")


def looks(everyone: Sequence[Group]) -> dict[str, Look]:
    """Return the look of each row; it depends on the order of the rows alone."""
    found: dict[str, Look] = {}
    neutral = colour = 0
    for group in everyone:
        if is_reference(group):
            found[group.name] = Look(
                _NEUTRALS[neutral % len(_NEUTRALS)],
                _MARKERS[neutral // len(_NEUTRALS) % len(_MARKERS)],
                _DASHES[neutral % len(_DASHES)],
            )
            neutral += 1
        else:
            turn = colour // len(_COLOURS)
            found[group.name] = Look(_COLOURS[colour % len(_COLOURS)], _MARKERS[turn % len(_MARKERS)], (1.5, 1.5))
            colour += 1
    return found


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


def svg(figure: Figure, prefix: str) -> str:
    """Return a figure as an SVG element that refers to nothing outside, the same bytes each time.

    Parameters
    ----------
    figure : Figure
    prefix : str
        Begins every id, so that figures on one page do not meet.
    """
    buffer = io.StringIO()
    with drawing():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    opening, rest = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', opening)
    rest = re.sub(r'\bid="([^"]*)"', rf'id="{prefix}-\1"', rest)
    rest = re.sub(r'xlink:href="#([^"]*)"', rf'href="#{prefix}-\1"', rest)
    rest = re.sub(r"url\(#([^)]*)\)", rf"url(#{prefix}-\1)", rest)
    rest = rest.replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans'")
    return f'<svg {box.group() if box else ""} aria-hidden="true" focusable="false">{rest}'
