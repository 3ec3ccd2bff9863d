"""What leaves a silo, clipped: never farther from what was sent than its bound, and untouched within it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fedasr.common.errors import RowError, UserError
from fedasr.protection.clipping.bounds import SPLITS
from fedasr.protection.clipping.silo import SiloClipping
from fedasr.protection.protection import build_protection

Arrays = Mapping[str, np.ndarray]
SHAPES = {"arrays/a": (3, 2), "arrays/b": (), "change/a": (3, 2)}
SENT = ("arrays/a", "arrays/b")


def _models(largest: float, names: tuple[str, ...] = tuple(SHAPES)) -> st.SearchStrategy[dict[str, np.ndarray]]:
    values = st.floats(-largest, largest, width=32)
    return st.fixed_dictionaries({name: arrays(np.float32, SHAPES[name], elements=values) for name in names})


def _changes(reply: Arrays, sent: Arrays) -> dict[str, np.ndarray]:
    return {n: a.astype(np.float64) - sent.get(n, np.zeros(())).astype(np.float64) for n, a in reply.items()}


def _norm(parts: Arrays) -> float:
    return math.hypot(*(x for part in parts.values() for x in part.ravel()))


plans = st.builds(SiloClipping, st.floats(0, 1e6), st.sampled_from(["none", *SPLITS]))


@given(reply=_models(2.0**100), sent=_models(2.0**40, SENT), plan=plans)
def test_no_reply_is_farther_from_what_was_sent_than_the_bound(reply: Arrays, sent: Arrays, plan: SiloClipping) -> None:
    found = plan.bounded(reply, sent)
    kept, before = _changes(found, sent), _changes(reply, sent)
    assert _norm(kept) <= plan.clip_norm * (1 + 1e-12)
    for name, part in kept.items():
        assert found[name].dtype == np.float32
        assert (np.abs(part) <= np.abs(before[name])).all(), "towards what was sent"
        assert (part * before[name] >= 0).all(), "never beyond it"


@given(reply=_models(100.0), sent=_models(100.0, SENT))
def test_a_bound_that_is_not_reached_changes_no_bit(reply: Arrays, sent: Arrays) -> None:
    norm = _norm(_changes(reply, sent))
    for bound in (math.inf, norm * (1 + 1e-12)):
        for name, array in SiloClipping(bound).bounded(reply, sent).items():
            assert array.tobytes() == reply[name].tobytes()


@given(reply=_models(100.0), sent=_models(100.0, SENT), times=st.floats(1.01, 1e3))
def test_a_longer_change_keeps_its_direction(reply: Arrays, sent: Arrays, times: float) -> None:
    before = _changes(reply, sent)
    kept = _changes(SiloClipping(_norm(before) / times).bounded(reply, sent), sent)
    for name, part in kept.items():
        # Values near 100 lie 2⁻¹⁷ apart; denormal ones 2⁻¹⁴⁹.
        np.testing.assert_allclose(part, before[name] / times, rtol=2.0**-22, atol=2.0**-16 if name in sent else 1e-44)


@pytest.mark.parametrize("split", sorted(SPLITS))
def test_each_array_has_a_bound_of_its_own(split: str) -> None:
    reply = {"change/a": np.full((4, 4), 3.0, np.float32), "change/b": np.float32([0.1, 0.0])}
    found = SiloClipping(1.0, split).bounded(reply, {})
    share = {"by-size": 16 / 18, "equal": 0.5}[split]
    assert np.linalg.norm(found["change/a"]) == pytest.approx(math.sqrt(share), rel=1e-6)
    np.testing.assert_array_equal(found["change/b"], reply["change/b"])


@pytest.mark.parametrize("bound", ["public-quantile", "least"])
def test_a_bound_of_gradients_is_none_of_what_a_silo_sends(bound: str) -> None:
    with pytest.raises(UserError, match=r"protection_options\.bound.* one of gradients"):
        build_protection("clipping", {"granularity": "silo", "bound": bound})


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"clip_norm": 0.5}, SiloClipping(0.5)), ({"bound": "per-layer"}, SiloClipping(1.0, "by-size")),
     ({"bound": "per-layer", "split": "equal"}, SiloClipping(1.0, "equal"))],
)  # fmt: skip
def test_the_protection_is_this_plan(options: dict[str, Any], expected: SiloClipping) -> None:
    assert build_protection("clipping", {"granularity": "silo", **options}).plan(3, 0, 5) == expected


silos = st.lists(_models(1e3), min_size=1, max_size=4)


@given(there=silos, other=_models(2.0**100), sent=_models(1e3, SENT), plan=plans)
def test_one_silo_moves_the_sum_by_the_bound_and_its_replacement_by_two(
    there: list[Arrays], other: Arrays, sent: Arrays, plan: SiloClipping
) -> None:
    """Brute force over neighbouring cohorts; sums of float64 err by less than what is allowed beside the bound."""

    def total(cohort: list[Arrays]) -> dict[str, np.ndarray]:
        bounded = [_changes(plan.bounded(reply, sent), sent) for reply in cohort]
        return {name: sum((one[name] for one in bounded), np.zeros(shape)) for name, shape in SHAPES.items()}

    def apart(one: list[Arrays], two: list[Arrays]) -> float:
        first, second = total(one), total(two)
        return _norm({name: first[name] - second[name] for name in SHAPES})

    slack = 1e-12 * plan.clip_norm
    assert apart(there, there[:-1]) <= plan.clip_norm + slack
    assert apart([*there, other], there) <= plan.clip_norm + slack
    assert apart([*there[:-1], other], there) <= 2 * plan.clip_norm + slack


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["arrays/a", "change/a"])
def test_a_change_that_is_not_finite_is_refused(value: float, name: str) -> None:
    reply = {name: np.float32([1.0, value])}
    with pytest.raises(RowError, match="not finite"):
        SiloClipping(1.0).bounded(reply, {"arrays/a": np.float32([0.0, 0.0])})


def test_whole_numbers_are_refused_and_other_floats_keep_their_type() -> None:
    with pytest.raises(RowError, match="'change/n' is int64, which cannot be cut"):
        SiloClipping(1.0).bounded({"change/n": np.array([3])}, {})
    for kind in (np.float16, np.float64):
        found = SiloClipping(1.0).bounded({"arrays/a": np.array([7, 5], kind)}, {"arrays/a": np.array([3, 5], kind)})
        assert found["arrays/a"].dtype == kind
        np.testing.assert_allclose(found["arrays/a"], [4, 5])
