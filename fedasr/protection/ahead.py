"""Batches made ahead: while the gradient of one is computed, a thread makes the next; the same bits as one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

from fedasr.protection.protection import Dice
from fedasr.training.learner import Learner

T = TypeVar("T")


def made_ahead(
    learner: Learner, dice: Dice, make: Callable[[list[int]], T], executor: Executor
) -> Iterator[tuple[list[int], T]]:
    """Yield the places of each batch and what is made of them, pass after pass, without end.

    One batch is made at a time, since all draw from one generator; within a pass, and no more of them than `dice` says
    that there will be steps.

    Parameters
    ----------
    learner : Learner
    dice : Dice
    make : callable
        Makes a batch of some places; it may draw from ``dice.batches``.
    executor : Executor
    """
    done = 0
    while True:
        batches, following = learner.batches(dice.batches), None
        for number, indices in enumerate(batches):
            made = make(indices) if following is None else following.result()
            done += 1
            is_next = number + 1 < len(batches) and (done < dice.steps or not dice.steps)
            following = executor.submit(make, batches[number + 1]) if is_next else None
            yield indices, made
