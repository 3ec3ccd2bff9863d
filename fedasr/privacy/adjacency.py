"""Which two data sets are neighbours: the half of a guarantee that a bare ε leaves out."""

from __future__ import annotations

from typing import Literal, get_args

from fedasr.common.errors import UserError, nearest

Adjacency = Literal["replace-one", "add-remove"]
ADJACENCIES: tuple[Adjacency, ...] = get_args(Adjacency)


def checked_adjacency(word: str) -> Adjacency:
    """Return the word as an adjacency, or say which words there are."""
    for known in ADJACENCIES:
        if word == known:
            return known
    raise UserError(f"adjacency '{word}' is not known{nearest(word, ADJACENCIES)}")
