"""One utterance more moves the rounded sum by the clip norm at most, in whole numbers, through the real path."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from support.draws import examples
from support.examples import batch_of
from support.toy_recognisers import recogniser

from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import RowError
from fedasr.common.later import LATER
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.protection.clipping.cut import factors_of, norms_of, weighted_sum
from fedasr.protection.dp_sgd.plan import DPSGDPlan, DPSGDSpec
from fedasr.protection.dp_sgd.rounding import BESIDE, clip_within, most_drawn
from fedasr.protection.per_example.clipping import clipped_gradient_sum
from fedasr.protection.per_example.lanes import clipped_lanes_sum, lane_models
from fedasr.training.objectives.supervised import Supervised


def _moved(one: list[torch.Tensor], other: list[torch.Tensor], grid: NoiseGrid) -> Fraction:
    """Return the squared distance of two sums on the grid."""
    apart = [
        (grid.nearest(a.numpy()) - grid.nearest(b.numpy())).astype(np.int64) for a, b in zip(one, other, strict=True)
    ]
    return sum(int(steps) ** 2 for part in apart for steps in part.flat) * Fraction(grid.step) ** 2


def _sum(model: Recogniser, numbers: list[int], clip: float, count: int) -> list[torch.Tensor]:
    lanes = [batch_of(numbers[lane::count]) for lane in range(count)]
    masks = [torch.Generator()] * count
    return clipped_lanes_sum(lane_models(model, count), Supervised().losses, lanes, clip, masks, LATER).gradient


@examples(30)
@given(
    more=st.sampled_from(range(4)), clip=st.floats(1e-3, 10.0), kind=st.sampled_from(["lstm", "conformer"]),
    lanes=st.integers(1, 2),
)  # fmt: skip
def test_an_utterance_more_moves_the_sum_by_the_clip_at_most(more: int, clip: float, kind: str, lanes: int) -> None:
    """It moves those behind it from lane to lane."""
    model, others = recogniser(kind, "joint"), [n for n in range(4) if n != more]
    values = sum(parameter.numel() for parameter in model.parameters())
    plan = DPSGDPlan(DPSGDSpec(clip, 1.3, 4.0), 40)
    grid = NoiseGrid.fine_enough(1.3 * clip, clip, values)
    sums = [_sum(model, numbers, plan.clip(values), lanes) for numbers in (others, sorted([*others, more]))]
    moved = _moved(*sums, grid)
    assert moved <= Fraction(clip) ** 2
    longest = clipped_gradient_sum(model, Supervised().losses, batch_of([more]), math.inf, None).norms_B.item()
    assert moved >= Fraction(min(longest, clip) * (1 - 2 * BESIDE)) ** 2, "and by little less"


@examples(30)
@given(
    seed=st.integers(0, 999), values=st.integers(1, 400), count=st.integers(1, 30), spread=st.floats(0, 30),
    lanes=st.integers(1, 2),
)  # fmt: skip
def test_rounding_is_paid_for_where_gradients_are_the_same_beside_any_other(
    seed: int, values: int, count: int, spread: float, lanes: int
) -> None:
    """Without the allowance for what is computed beside it: the proven part alone covers hard sums."""
    random = np.random.default_rng(seed)
    sizes = np.exp(spread * random.standard_normal((count, 1)))
    gradients_BD = torch.from_numpy((random.standard_normal((count, values)) * sizes).astype(np.float32))
    grid, clip = NoiseGrid.fine_enough(2.0, 1.0, values), clip_within(1.0, values, count) + BESIDE
    sums = []
    for part in (gradients_BD[1:], gradients_BD):
        scale_B = factors_of(norms_of([part]), clip)
        sums.append([sum(weighted_sum(part[lane::lanes], scale_B[lane::lanes]) for lane in range(lanes))])
    assert _moved(*sums, grid) <= 1


def test_more_than_are_allowed_for_never_come() -> None:
    for expected in (1.0, 10.0, 50.0, 400.0, 5000.0):
        assert binom.logsf(most_drawn(expected, 10**9), 10**9, expected / 10**9) < -160 * math.log(2)
    assert most_drawn(32.0, 40) == 40


def test_without_noise_nothing_is_taken_off_and_without_a_sure_rounding_nothing_is_summed() -> None:
    assert DPSGDPlan(DPSGDSpec(0.5, 0.0, 4.0), 40).clip(100) == 0.5
    assert 0.99 * 0.5 < DPSGDPlan(DPSGDSpec(0.5, 1.0, 4.0), 40).clip(100) < 0.5
    with pytest.raises(RowError, match="no sure rounding"):
        clip_within(1.0, 100, 10**8)
