"""Batches made ahead are those that are made one by one, and no more of them than there are steps."""

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import pytest
import torch
from support.learning import learner
from support.toy_speech import made_up, small_recogniser

from fedasr.common.later import LATER
from fedasr.privacy.noise import SecureNoise
from fedasr.protection.ahead import Made, made_ahead, one_ahead
from fedasr.protection.none import Unprotected
from fedasr.protection.step import Dice, Place

BATCHES = 3
LEARNER = learner(small_recogniser(), made_up(BATCHES * 2), batch_size=2)


def _dice(steps: int = 0) -> Dice:
    return Dice(np.random.default_rng(4), (torch.Generator().manual_seed(1),), lambda *_: SecureNoise(), steps)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 8])
def test_draws_are_those_of_one_batch_after_another_pass_after_pass(steps: int) -> None:
    dice, plain, made = _dice(steps), np.random.default_rng(4), []

    def make(indices: list[int]) -> float:
        made.append(indices)
        return float(dice.batches.uniform())

    with ThreadPoolExecutor(1) as executor:
        found = list(itertools.islice(made_ahead(LEARNER, dice, make, executor), 8))
    expected = [(indices, plain.uniform()) for _ in range(3) for indices in LEARNER.batches(plain)][:8]
    assert [(one.indices, one.batch) for one in found] == expected
    assert [one.indices for one in found] == made[:8]


@pytest.mark.parametrize("stop", range(1, 8))
def test_from_a_place_batches_go_on_as_if_nothing_had_been(stop: int) -> None:
    def drawn(dice: Dice, count: int) -> list[Made[float]]:
        with ThreadPoolExecutor(1) as executor:
            return list(itertools.islice(made_ahead(LEARNER, dice, lambda _: dice.batches.uniform(), executor), count))

    whole = drawn(_dice(), 8)
    place = Place(**json.loads(json.dumps(asdict(whole[stop - 1].place))))
    later = Dice(np.random.default_rng(99), _dice().masks, _dice().noise, place=place)
    assert drawn(later, 8 - stop) == whole[stop:]


@pytest.mark.parametrize("taken", [1, 2, 3, 5])
def test_no_batch_is_made_for_a_step_that_is_not_taken(taken: int) -> None:
    made: list[list[int]] = []
    with ThreadPoolExecutor(1) as executor:
        ahead = made_ahead(LEARNER, _dice(taken), made.append, executor)
        assert len(list(itertools.islice(ahead, taken))) == taken
    assert len(made) == taken


def test_the_next_batch_is_made_while_one_is_used() -> None:
    second, made = threading.Event(), list[list[int]]()

    def make(indices: list[int]) -> None:
        made.append(indices)
        if len(made) == 2:
            second.set()

    with ThreadPoolExecutor(1) as executor:
        ahead = made_ahead(LEARNER, _dice(), make, executor)
        next(ahead)
        assert second.wait(60)


def test_an_error_is_that_of_the_batch() -> None:
    def make(indices: list[int]) -> None:
        raise ValueError(f"{len(made)}")

    made: list[None] = []
    with ThreadPoolExecutor(1) as executor, pytest.raises(ValueError, match="0"):
        next(made_ahead(LEARNER, _dice(), make, executor))


def test_a_silo_s_gradients_are_the_same_however_many_steps_are_told() -> None:
    def sums(steps: int) -> list[float]:
        found = itertools.islice(Unprotected().gradients(LEARNER, _dice(steps)), 5)
        return [float(sum(part.double().sum() for part in step.gradient)) for step in found]

    assert sums(0) == sums(5) == sums(2)


@pytest.mark.parametrize(("steps", "made"), [(0, 5), (4, 4), (9, 5)])
def test_one_step_is_made_ahead_and_none_that_will_not_be_taken(steps: int, made: int) -> None:
    asked = []
    with ThreadPoolExecutor(1) as executor:
        taken = list(itertools.islice(one_ahead(lambda step: asked.append(step) or step, steps, executor), 4))
    assert taken == [0, 1, 2, 3]
    assert asked == list(range(made))


def test_in_one_thread_nothing_is_made_ahead() -> None:
    asked = []
    steps = one_ahead(lambda step: asked.append(step) or step, 0, LATER)
    assert [next(steps), next(steps)] == [0, 1] == asked
