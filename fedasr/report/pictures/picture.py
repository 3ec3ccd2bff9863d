"""A figure and the words that go with it."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A figure and its words; ``inside`` marks what only a simulation can see."""

    key: str
    title: str
    caption: str
    description: str
    figure: Figure
    inside: bool = False


def make(
    key: str, title: str, caption: str, description: str, figure: Figure | None, inside: bool = False
) -> Picture | None:
    """Return the picture of a figure; None where there is no figure."""
    return None if figure is None else Picture(key, title, caption, description, figure, inside)
