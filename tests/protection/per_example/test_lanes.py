"""Lanes: the sum over them is the sum over all examples, whatever the threads."""

import math
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.draws import examples
from support.examples import batch_of
from support.toy_recognisers import recogniser

from fedasr.common.later import LATER
from fedasr.protection.per_example.clipping import ClippedSum, clipped_gradient_sum
from fedasr.protection.per_example.lanes import clipped_lanes_sum, lane_models
from fedasr.training.objectives.supervised import Supervised

UNIT = 2.0**-53


def _sum(model, numbers: list[int], clip: float, count: int, executor: Executor = LATER) -> ClippedSum:
    """The sum over lanes, each utterance computed alone, so that float32 says the same of it wherever it is."""
    lanes = [batch_of(numbers[lane::count]) for lane in range(min(count, len(numbers)))]
    masks = [torch.Generator().manual_seed(lane) for lane in range(count)]
    models, loss = lane_models(model, count), Supervised().losses
    return clipped_lanes_sum(models, loss, lanes, clip, masks, executor, most_at_once=1)


@examples(20)
@given(
    st.sampled_from(["lstm", "bilstm", "conformer"]), st.sets(st.sampled_from(range(4)), min_size=1),
    st.sampled_from([0.0, 0.01, 1.0, math.inf]), st.integers(1, 3),
)  # fmt: skip
def test_the_sum_over_lanes_is_the_sum_over_all_to_the_rounding_of_float64(
    kind: str, numbers: set[int], clip: float, count: int
) -> None:
    model, order = recogniser(kind), sorted(numbers)
    found = _sum(model, order, clip, count)
    parts = [clipped_gradient_sum(model, Supervised().losses, batch_of([n]), clip, None) for n in order]
    for place, total in enumerate(found.gradient):
        each = torch.stack([part.gradient[place] for part in parts])
        within = 2 * (len(order) + 2) * UNIT * each.abs().sum(0)
        assert ((total - each.sum(0)).abs() <= within).all()
    norms = {n: float(part.norms_B) for n, part in zip(order, parts, strict=True)}
    assert found.norms_B.tolist() == [norms[n] for lane in range(count) for n in order[lane::count]]
    assert found.loss == pytest.approx(sum(part.loss for part in parts) / len(parts), rel=1e-6)


def test_threads_add_in_the_order_of_the_lanes() -> None:
    model = recogniser(dropout=0.3)
    expected = _sum(model, [0, 1, 2, 3], 0.5, 2)
    with ThreadPoolExecutor(2) as executor:
        for _ in range(5):
            found = _sum(model, [0, 1, 2, 3], 0.5, 2, executor)
            assert all(a.equal(b) for a, b in zip(found.gradient, expected.gradient, strict=True))


def test_an_example_that_is_left_out_counts_in_its_lane_alone() -> None:
    model = recogniser()

    def broken(model, batch, generator):
        losses_B = Supervised().losses(model, batch, generator)
        return losses_B * torch.where(batch.lengths_B == batch_of([1]).lengths_B, math.nan, 1.0)

    lanes = [batch_of([0, 1]), batch_of([2, 3])]
    found = clipped_lanes_sum(lane_models(model, 2), broken, lanes, 0.5, [torch.Generator()] * 2, LATER)
    whole = clipped_gradient_sum(model, Supervised().losses, batch_of([0, 2, 3]), 0.5, None)
    assert found.left_out == 1
    assert found.loss == pytest.approx(whole.loss, rel=1e-6)
    for a, b in zip(found.gradient, whole.gradient, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
