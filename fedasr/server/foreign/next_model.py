"""What a strategy returns as its model: it must be one, whole and finite, or the row ends there and says why.

Looked at before anything of it travels: a model that the server spoilt would come back spoilt from every silo, and
silos would be blamed for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flwr.app import ArrayRecord, MetricRecord

from fedasr.common.errors import RowError
from fedasr.messages.finite import not_finite
from fedasr.messages.records import arrays_of

Aggregated = tuple[ArrayRecord, MetricRecord | None]


class Overheard(logging.Filter):
    """Notes the warnings of a logger, and lets through what its level lets through."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level = level
        self.said: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        self.said.append(" ".join(record.getMessage().split()))
        return record.levelno >= self.level


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Give a list that fills with what Flower's strategies warn of in the block: they skip a step and only log why."""
    logger = logging.getLogger("flwr")
    before, ears = logger.level, Overheard(logger.getEffectiveLevel())
    logger.setLevel(min(ears.level, logging.WARNING))
    logger.addFilter(ears)
    try:
        yield ears.said
    finally:
        logger.removeFilter(ears)
        logger.setLevel(before)


def aggregated(who: str, found: Any, like: ArrayRecord, said: list[str]) -> Aggregated:
    """Return what ``aggregate_train`` returned, if it holds the next model.

    Parameters
    ----------
    who : str
        The round and the strategy: it leads what is said.
    found : Any
        What it returned; Flower's contract is a pair of an ArrayRecord, or None, and a MetricRecord, or None.
    like : ArrayRecord
        The model before: the next has its names and shapes.
    said : list of str
        What was warned of meanwhile.

    Raises
    ------
    RowError
        Where there is no model in it, or none that silos could train.
    """
    if not (isinstance(found, tuple) and len(found) == 2):
        raise RowError(f"{who}: aggregate_train returned a {type(found).__name__}, not arrays and metrics")
    arrays, metrics = found
    if arrays is None:
        why = f": {said[-1]}" if said else ""
        raise RowError(f"{who}: aggregate_train made no model of the replies{why}")
    check_model(arrays, like, f"{who}: aggregate_train returned")
    return arrays, metrics


def check_model(arrays: Any, like: ArrayRecord, who: str) -> None:
    """Refuse arrays that are not a model of the same names and shapes, or not finite; `who` leads the line.

    Raises
    ------
    RowError
        Naming what is wrong.
    """
    if not isinstance(arrays, ArrayRecord):
        raise RowError(f"{who} a {type(arrays).__name__}, not an ArrayRecord")
    if arrays.keys() != like.keys():
        odd = sorted(set(arrays) ^ set(like))
        by_place = " (arrays named by their place; give them the names that were sent)" if "0" in arrays else ""
        raise RowError(f"{who} other arrays than the model's: {', '.join(odd[:3])}{by_place}")
    for name, array in arrays.items():
        if tuple(array.shape) != tuple(like[name].shape):
            raise RowError(f"{who} '{name}' of shape {tuple(array.shape)}, not {tuple(like[name].shape)}")
    if bad := not_finite(arrays_of(arrays)):
        raise RowError(f"{who} values that are not finite in '{bad}': the server's own step made them, no silo")
