"""One utterance moves a step's sum by no more than is told, whatever gradients there are; and what is told of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.draws import examples

from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.clipping.cut import cut_sum
from fedasr.protection.clipping.granularity import Cores, Granularity, MicroBatches
from fedasr.protection.clipping.protection import Clipping
from fedasr.protection.clipping.sensitivity import Sensitivity

SLOTS, SIZES = 6, {"w": 3, "b": 2}
ROUNDING = 1 + 2.0**-40
"""Norms, factors and sums of a few values in float64."""

floats = st.floats(width=32) | st.sampled_from([3.4e38, -3.4e38, 1e-45, math.inf, math.nan, 0.0])
utterances = arrays(np.float32, (SLOTS, sum(SIZES.values())), elements=floats)
granularities = st.sampled_from([MicroBatches(1), MicroBatches(2), MicroBatches(4), Cores(1), Cores(2), Cores(4)])
clips = st.floats(1e-6, 1e6)
bounds = st.builds(Bounds.of_all, st.just(tuple(SIZES)), clips) | st.builds(
    Bounds.per_layer, st.just(SIZES), clips, st.sampled_from(["by-size", "equal"])
)


def _sum(gradients: np.ndarray, present: np.ndarray, granularity: Granularity, bounds: Bounds) -> np.ndarray:
    """The cut sum over groups of mean gradients; an empty slot is in no group's mean."""
    means = []
    for slots in granularity.divided(range(SLOTS)):
        own = gradients[[slot for slot in slots if present[slot]]]
        with np.errstate(over="ignore", invalid="ignore"):
            means.append(own.mean(0, dtype=np.float32) if len(own) else np.zeros(gradients.shape[1], np.float32))
    matrix = torch.from_numpy(np.stack(means))
    found, _ = cut_sum(dict(zip(SIZES, matrix.split(list(SIZES.values()), 1), strict=True)), bounds)
    return torch.cat([found[name] for name in SIZES]).numpy()


@given(utterances, arrays(np.float32, 5, elements=floats), st.integers(0, SLOTS - 1), granularities, bounds)
@examples(300)
def test_the_sensitivity_is_never_exceeded(
    gradients: np.ndarray, other: np.ndarray, slot: int, granularity: Granularity, bounds: Bounds
) -> None:
    told = Sensitivity.of(bounds.sensitivity, granularity.unit.is_alone)
    everyone, without = np.ones(SLOTS, bool), np.arange(SLOTS) != slot
    replaced = gradients.copy()
    replaced[slot] = other
    whole = _sum(gradients, everyone, granularity, bounds)
    largest = SLOTS * bounds.sensitivity * 2.0**-40
    assert np.isfinite(whole).all()
    assert np.linalg.norm(whole - _sum(gradients, without, granularity, bounds)) <= told.add_remove * ROUNDING + largest
    assert (
        np.linalg.norm(whole - _sum(replaced, everyone, granularity, bounds)) <= told.replace_one * ROUNDING + largest
    )


def test_the_sensitivity_is_reached() -> None:
    """Two utterances of one group, one far longer: without it the group's mean points the other way."""
    gradients = np.zeros((SLOTS, 5), np.float32)
    gradients[0, 0], gradients[1, 0] = 100, -10
    everyone, without = np.ones(SLOTS, bool), np.arange(SLOTS) != 0
    bound = Bounds.of_all(SIZES, 1.0)
    for granularity, expected in ((MicroBatches(2), 2.0), (Cores(1), 2.0), (MicroBatches(1), 1.0)):
        apart = _sum(gradients, everyone, granularity, bound) - _sum(gradients, without, granularity, bound)
        assert np.linalg.norm(apart) == pytest.approx(expected)
        assert Sensitivity.of(1.0, granularity.unit.is_alone).add_remove == expected


def test_the_least_norm_bounds_nothing() -> None:
    """One utterance with a gradient of nearly nothing silences all others, however long their sum was."""
    gradients = torch.full((4, 1), 1e6)
    before = gradients.sum()
    gradients[0] = 1e-6
    after, _ = cut_sum({"w": gradients}, Bounds.of_all(("w",), float(gradients.abs().min())))
    assert before - after["w"] > 3.9e6


STEP = "sensitivity of a step's sum, batch slots fixed"
TOLD: list[tuple[dict[str, Any], str]] = [
    ({}, f"per utterance at 1 ({STEP}: 1 added or removed, 2 replaced)"),
    ({"granularity": "micro-batch"}, f"per micro-batch of 4 at 1 ({STEP}: 2 added, removed or replaced)"),
    (
        {"granularity": "core", "bound": "per-layer", "clip_norm": 0.5},
        f"per core of 2 at 0.5 in all, divided among the arrays by size ({STEP}: 1 added, removed or replaced)",
    ),
    (
        {"granularity": "layer"},
        f"per layer of the batch at 1 an array ({STEP}: 2 × their root sum of squares added, removed or replaced)",
    ),
    (
        {"bound": "public-quantile"},
        f"per utterance at the 0.5 quantile of public norms ({STEP}: 1 × that added or removed, 2 × that replaced)",
    ),
    (
        {"granularity": "core", "bound": "least"},
        "per core of 2 at the least norm of the batch (which private speech moves, so no sensitivity is bounded)",
    ),
    ({"clip_norm": math.inf}, "per utterance at inf (nothing is cut, so no sensitivity is bounded)"),
    (
        {"granularity": "layer", "clip_norm": math.inf},
        "per layer of the batch at inf an array (nothing is cut, so no sensitivity is bounded)",
    ),
    (
        {"granularity": "silo"},
        "per silo's change at 1 (sensitivity of the sum of the silos' changes before their codecs, each counted alike: "
        "1 added or removed, 2 replaced)",
    ),
]


@pytest.mark.parametrize(("options", "says"), TOLD)
def test_a_row_tells_what_is_bounded_and_that_nothing_is_promised(options: dict[str, Any], says: str) -> None:
    told = Clipping(**options).said(at_centre=False)["clip"]
    assert told == says + "; no ε: without noise nothing is promised"
