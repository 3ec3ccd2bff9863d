"""Clipping where the replies are made: no silo moves the sum by more than its bound, whatever it replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest
from flwr.app import Message, RecordDict
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.draws import examples
from support.toys import SHAPES, Toy, open_toy, train_messages

from fedasr.grid.exchange import Mean
from fedasr.grid.in_process import InProcess
from fedasr.grid.sums.acceptance import RefusedError, clipped, term_of
from fedasr.grid.workers import Workers
from fedasr.messages.kinds import GRADIENT
from fedasr.messages.records import ARRAYS, CHANGE, array_record, arrays_of, metric_record
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.protection.clipping.bounds import SPLITS
from fedasr.protection.silo_noise.plan import SiloNoisePlan

BOUND = 0.7
SILOS = 5


def _norm(parts: Mapping[str, np.ndarray]) -> float:
    return float(np.sqrt(sum(np.square(part, dtype=np.float64).sum() for part in parts.values())))


values = st.floats(-(2.0**100), 2.0**100, width=32)
models = st.fixed_dictionaries(
    {"a": arrays(np.float32, (3, 2), elements=values), "b": arrays(np.float32, (), elements=values)}
)


@given(change=models, largest=st.floats(1e-6, 1e6))
def test_a_clipped_change_keeps_its_direction_and_its_bound(change: dict[str, np.ndarray], largest: float) -> None:
    found = clipped(change, largest)
    assert _norm(found) <= largest * (1 + 1e-12)
    norm = _norm(change)
    for name, part in change.items():
        np.testing.assert_allclose(
            found[name], part.astype(np.float64) * min(1.0, largest / max(norm, 1e-300)), rtol=1e-9
        )
    if norm <= largest:
        assert all(found[name] is part for name, part in change.items())


@pytest.mark.parametrize("times", [0.99, 1.01, 1.1, 1.25, 1.4, 1.49, 3.0])
def test_a_change_a_little_longer_than_the_bound_is_clipped_to_it(times: float) -> None:
    change = {"a": np.float32([[3, 0], [0, -4]]), "b": np.float32(12)}
    largest = _norm(change) / times
    assert _norm(clipped(change, largest)) == pytest.approx(min(times, 1) * largest, rel=1e-9)


@pytest.mark.parametrize("split", sorted(SPLITS))
@given(change=models, largest=st.floats(1e-6, 1e6))
def test_each_array_is_cut_to_its_own_bound(split: str, change: dict[str, np.ndarray], largest: float) -> None:
    found = clipped(change, largest, split)
    assert _norm(found) <= largest * (1 + 1e-12)
    shares = {"by-size": {"a": 6 / 7, "b": 1 / 7}, "equal": {"a": 0.5, "b": 0.5}}[split]
    for name, part in change.items():
        alone = clipped({name: part}, largest * np.sqrt(shares[name]))
        np.testing.assert_allclose(found[name], alone[name], rtol=1e-12)


def _in_steps(change: dict[str, np.ndarray], plan: SiloNoisePlan) -> tuple[np.ndarray, float]:
    """Return what a silo adds to the sum of a round, in steps of the plan's grid, and the step."""
    grid, sent = plan.grid(7, 9), RecordDict({ARRAYS: array_record({n: np.zeros_like(a) for n, a in change.items()})})
    mean = Mean(clip_norm=plan.clip_norm, grid=grid, layer_bounds=plan.layer_bounds)
    assert grid is not None
    reply = term_of(GRADIENT, sent, {CHANGE: change}, RecordDict(), mean)
    return np.concatenate(reply.arrays), grid.step


@examples(50)
@given(
    changes=st.lists(models, min_size=1, max_size=4), other=models, place=st.integers(0, 3),
    clip_norm=st.floats(1e-9, 1e9), multiplier=st.floats(0.1, 100), layer_bounds=st.sampled_from(["none", *SPLITS]),
)  # fmt: skip
def test_neighbouring_cohorts_differ_by_the_bound_on_the_grid_in_whole_numbers(
    changes: list[dict[str, np.ndarray]], other: dict[str, np.ndarray], place: int,
    clip_norm: float, multiplier: float, layer_bounds: str,
) -> None:  # fmt: skip
    """Brute force and exact: the sums are of whole numbers, and the accountant's sensitivity is C, not C and a bit."""
    plan = SiloNoisePlan(multiplier, clip_norm, 1.0, 1e-5, "replace-one", 1, layer_bounds)
    parts = [_in_steps(change, plan) for change in [*changes, other]]
    steps, limit = [part for part, _ in parts], Fraction(clip_norm) ** 2 / Fraction(parts[0][1]) ** 2
    assert all((part == np.trunc(part)).all() for part in steps)
    whole = sum(steps[:-1])
    without = whole - steps[place % len(changes)]
    for one, two, bounds in ((whole, without, 1), (without + steps[-1], without, 1), (without + steps[-1], whole, 2)):
        assert sum(int(step) ** 2 for step in one - two) <= bounds**2 * limit


@pytest.mark.parametrize("times", [0.5, 1.2, 1.45])
def test_a_silo_adds_its_bound_and_no_more(times: float) -> None:
    """One value of its reply is moved, by so many bounds; all silos that are asked do so."""
    nudged = _sum(Nudged(by=times * BOUND), silos=(2,))
    assert _norm(nudged) == pytest.approx(min(times, 1) * BOUND, rel=1e-5)


@pytest.mark.parametrize("value", [np.inf, np.nan, np.longdouble("1e4000"), 1e200])
def test_a_norm_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(RefusedError, match="not finite"):
        clipped({"a": np.array([1.0]), "b": np.array([value, 1.0])}, 1.0)


@dataclass(frozen=True)
class Loud(Toy):
    """A toy one of whose silos replies what it likes."""

    replies: Mapping[int, float] = field(default_factory=dict)
    said_weight: float | None = None

    def _changed(self, array: np.ndarray, silo: int) -> np.ndarray:
        if silo not in self.replies:
            return super()._changed(array, silo)
        return np.full_like(array, self.replies[silo])

    def _train(self, message: Message, silo: int) -> Message:
        reply = super()._train(message, silo)
        if silo in self.replies and self.said_weight is not None:
            metric_record(reply.content)["num-examples"] = self.said_weight
        return reply


@dataclass(frozen=True)
class Nudged(Toy):
    """A toy that moves one value of the model and leaves all others as they are."""

    by: float = 0.0

    def _changed(self, array: np.ndarray, silo: int) -> np.ndarray:
        moved = np.array(array)
        if array.shape == SHAPES["bias"]:
            moved[0] += np.float32(self.by)
        return moved


def _sum(
    toy: Toy,
    workers: Workers | None = None,
    silos: tuple[int, ...] = tuple(range(SILOS)),
    noise_grid: NoiseGrid | None = None,
) -> dict[str, np.ndarray]:
    """Return the sum of clipped changes, in steps of a grid where there is one."""
    grid = open_toy(workers or InProcess(), SILOS, toy)
    asked = [m for m in train_messages(grid) if m.metadata.dst_node_id - 2 in silos]
    answers = grid.exchange(asked, round=0, mean=Mean(clip_norm=BOUND, grid=noise_grid))
    (good,) = answers.good
    assert metric_record(good.content)["num-examples"] == answers.answered
    return arrays_of(good.content.array_records[CHANGE])


def _apart(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> float:
    return _norm({name: one[name] - other[name] for name in one})


@examples(10)
@given(value=st.floats(-(2.0**126), 2.0**126, width=32), silo=st.integers(0, SILOS - 1))
def test_one_silo_moves_the_sum_by_twice_the_bound_if_replaced_and_by_the_bound_if_added(
    value: float, silo: int
) -> None:
    others = tuple(other for other in range(SILOS) if other != silo)
    whole, replaced, without = _sum(Toy()), _sum(Loud(replies={silo: value})), _sum(Toy(), silos=others)
    assert _apart(whole, replaced) <= 2 * BOUND * (1 + 1e-6)
    assert _apart(whole, without) <= BOUND * (1 + 1e-6)
    assert _apart(replaced, without) <= BOUND * (1 + 1e-6)


def test_opposite_silos_are_twice_the_bound_apart() -> None:
    apart = _apart(_sum(Loud(replies={2: 1e6})), _sum(Loud(replies={2: -1e6})))
    assert apart == pytest.approx(2 * BOUND, rel=1e-3)


@pytest.mark.parametrize("weight", [0.0, -7.0, 1e9, float("nan")])
def test_a_silo_weighs_one_whatever_it_says(weight: float) -> None:
    said, silent = Loud(replies={1: 3.0}, said_weight=weight), Loud(replies={1: 3.0})
    assert _apart(_sum(said), _sum(silent)) == 0


@pytest.mark.parametrize("fault", ["nan", "inf", "two infinities", "shape", "missing name", "other name", "raise"])
def test_a_silo_that_is_refused_counts_as_absent(fault: str) -> None:
    assert _apart(_sum(Toy(faults={3: fault})), _sum(Toy(), silos=(0, 1, 2, 4))) == 0


def test_the_grid_does_not_change_a_bit(workers: Workers) -> None:
    assert _apart(_sum(Toy(), workers), _sum(Toy())) == 0


def test_on_a_grid_the_sum_is_of_whole_numbers_in_any_order(workers: Workers) -> None:
    """No silo moves it by more than the bound, to the last bit: what it adds is the difference of two exact sums."""
    fine = NoiseGrid.fine_enough(1.5 * BOUND, BOUND, sum(np.prod(shape, dtype=int) for shape in SHAPES.values()))
    whole = _sum(Toy(), workers, noise_grid=fine)
    parts = [_sum(Toy(), silos=(silo,), noise_grid=fine) for silo in range(SILOS)]
    limit = Fraction(BOUND) ** 2 / Fraction(fine.step) ** 2
    for name in SHAPES:
        np.testing.assert_array_equal(whole[name], sum(part[name] for part in parts))
        np.testing.assert_array_equal(whole[name], np.trunc(whole[name]))
    norms = [sum(int(step) ** 2 for array in part.values() for step in array.flat) for part in parts]
    assert 0.99 * limit < max(norms) <= limit
