"""Batches made ahead: while the gradient of one is computed, a thread makes the next; the same bits as one by one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fedasr.protection.step import Dice, Place
from fedasr.training.learner import Learner
from fedasr.training.passes import Batches

T = TypeVar("T")


@dataclass(frozen=True)
class Made(Generic[T]):
    """What was made of a batch.

    Parameters
    ----------
    indices : list of int
        The places of its examples.
    batch : object
    place : Place
        Where training can go on after it.
    """

    indices: list[int]
    batch: T
    place: Place


def made_ahead(learner: Learner, dice: Dice, make: Callable[[list[int]], T], executor: Executor) -> Iterator[Made[T]]:
    """Yield what is made of each batch, pass after pass, without end.

    One batch is made at a time, since all draw from one generator; within a pass, and no more of them than `dice` says
    that there will be steps.

    Parameters
    ----------
    learner : Learner
    dice : Dice
        Where it has a place, batches begin after it.
    make : callable
        Makes a batch of some places; it may draw from ``dice.batches``.
    executor : Executor
    """
    source, after, done = dice.batches.bit_generator, dice.place, 0
    while True:
        if after is not None:
            source.state = dict(after.begun)
        begun, batches = source.state, learner.batches(dice.batches)
        first = 0 if after is None else after.batches
        if after is not None:
            source.state, after = dict(after.made), None

        def made(number: int, begun: Mapping[str, Any] = begun, batches: Batches = batches) -> Made[T]:
            indices = batches[number]
            return Made(indices, make(indices), Place(begun, source.state, number + 1))

        following = None
        for number in range(first, len(batches)):
            found = made(number) if following is None else following.result()
            done += 1
            is_next = number + 1 < len(batches) and (done < dice.steps or not dice.steps)
            following = executor.submit(made, number + 1) if is_next else None
            yield found


def one_ahead(make: Callable[[int], T], steps: int, executor: Executor) -> Iterator[T]:
    """Yield what is made for step after step, without end; the next is submitted before one is given out.

    Parameters
    ----------
    make : callable
        Makes what a step needs, by its number; one at a time.
    steps : int
        How many there will be, so that nothing is made for a later one; 0 where nobody knows.
    executor : Executor
    """
    following = executor.submit(make, 0)
    for step in itertools.count(1):
        found = following.result()
        if step != steps:
            following = executor.submit(make, step)
        yield found
