"""A figure and the words that go with it, and what draws one: anybody's, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from matplotlib.figure import Figure

from fedasr.common.registry import Registry
from fedasr.runs.data import RunData


@dataclass(frozen=True)
class Picture:
    """A figure of the page and its words.

    Parameters
    ----------
    key : str
        Its name on the page and in a notebook: letters, digits, ``-`` and ``_``, no other picture's.
    title : str
    caption : str
        What is shown and how it was measured.
    description : str
        The numbers in words, for those who cannot see the figure.
    figure : Figure
        A figure of matplotlib that belongs to no global state.
    inside : bool
        Whether it shows what only a simulation can see, such as results silo by silo: ``--release`` leaves it out.

    Raises
    ------
    ValueError
        Where the key is no name.
    """

    key: str
    title: str
    caption: str
    description: str
    figure: Figure
    inside: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-]+", self.key):
            raise ValueError(f"the key '{self.key}' must be letters, digits, - and _")


Draw = Callable[[RunData], Iterable[Picture]]
"""What is registered: it draws a run's pictures of one kind, none where nothing was measured."""

PICTURES: Registry[Draw] = Registry("picture", "fedasr.pictures")


def framed(
    key: str, title: str, caption: str, description: str, figure: Figure | None, inside: bool = False
) -> list[Picture]:
    """Return the picture of a figure; none where there is no figure."""
    return [] if figure is None else [Picture(key, title, caption, description, figure, inside)]
