"""The report's style, whatever the user's own settings: size, inks, lines and letters."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.style
from matplotlib.figure import Figure

WIDTH_INCHES = 5.0
INK, FAINT, GRID = "#1f2933", "#616e7c", "#e4e7eb"

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
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "fedasr",
}


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
