import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.learning import learner
from support.tolerance import of_a_deviation
from support.toy_recognisers import recogniser
from support.toy_speech import made_up

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.ledger import Ledger, Release
from fedasr.privacy.noise import ReproducibleNoise, SecureNoise
from fedasr.protection.dp_sgd.plan import DPSGDPlan, DPSGDSpec
from fedasr.protection.dp_sgd.step import sampled

FREE = DPSGDSpec(math.inf, 0.0, 3.0)
"""Neither clipping nor noise."""


def test_every_utterance_is_drawn_by_a_coin_of_its_own() -> None:
    plan, noise = DPSGDPlan(DPSGDSpec(batch_size=4.0), 20), ReproducibleNoise(3)
    drawn = np.zeros((4000, 20))
    for row in drawn:
        row[plan.sample(noise)] = 1
    assert np.abs(drawn.mean(0) - 0.2).max() < 5 * math.sqrt(0.16 / 4000)
    correlation = np.corrcoef(drawn.T) - np.eye(20)
    assert np.abs(correlation).max() < 5 / math.sqrt(4000)
    assert drawn.sum(1).var() == pytest.approx(20 * 0.16, rel=2 * of_a_deviation(4000))
    assert (drawn.sum(1) == 0).any()


def _charged(plan: DPSGDPlan, steps: int, origin: str) -> Release:
    """What a ledger is charged for so many steps."""
    return Release(plan.mechanism, "utterance", "add-remove", origin, "poisson", "poisson", steps, "steps", "digest")


@pytest.mark.parametrize(
    ("multiplier", "epochs", "epsilon"), [(1.12, 60, 2.92), (0.6, 30, 9.74), (1.2, 10, 1.20)]
)  # fmt: skip
def test_the_plan_knows_what_it_costs(multiplier: float, epochs: int, epsilon: float) -> None:
    steps = math.ceil(epochs * 60_000 / 256)
    plan = DPSGDPlan(DPSGDSpec(0.3, multiplier, 256, steps), 60_000)
    spent = plan.epsilon(1e-5)
    assert spent.rdp == pytest.approx(epsilon, rel=0.01)
    assert plan.epsilon(1e-5, steps // 2).rdp < spent.rdp
    ledger = Ledger()
    ledger.add(_charged(plan, steps, SecureNoise.origin))
    summary = ledger.summary(1e-5)
    assert (summary.bounds["rdp"], summary.unit, summary.adjacency) == (spent.rdp, "utterance", "add-remove")
    assert summary.kind == "accountant"


def test_a_seed_voids_the_guarantee_and_no_noise_promises_nothing() -> None:
    plan = DPSGDPlan(DPSGDSpec(), 100)
    assert _charged(plan, 1, ReproducibleNoise.origin).is_void
    assert not _charged(plan, 1, SecureNoise.origin).is_void
    for spec in (DPSGDSpec(1.0, 0.0), DPSGDSpec(math.inf, 0.0)):
        assert math.isinf(DPSGDPlan(spec, 100).epsilon(1e-5).rdp)


@pytest.mark.parametrize(
    "fields",
    [
        {"clip_norm": math.nan}, {"clip_norm": -1.0}, {"clip_norm": math.inf}, {"noise_multiplier": math.nan},
        {"noise_multiplier": -0.1}, {"noise_multiplier": math.inf}, {"batch_size": 0.0}, {"batch_size": math.nan},
        {"steps": -1},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(fields: dict) -> None:
    with pytest.raises(UserError, match=f"'{next(iter(fields))}'"):
        DPSGDSpec(**fields)


def test_a_batch_larger_than_the_silo_is_refused() -> None:
    with pytest.raises(UserError, match="'batch_size' is 16, more than the 9 utterances; lower it"):
        DPSGDPlan(DPSGDSpec(), 9)
    with pytest.raises(ValueError, match="for 9 utterances, not 4"):
        sampled(learner(recogniser(), made_up(4)), DPSGDPlan(FREE, 9), ReproducibleNoise(0))


@given(st.floats(0.1, 3.0), st.floats(1.0, 100.0), st.integers(1, 500))
def test_more_noise_fewer_steps_and_smaller_batches_cost_less(multiplier: float, batch: float, steps: int) -> None:
    def epsilon(z: float, b: float, count: int) -> float:
        mechanism = DPSGDPlan(DPSGDSpec(1.0, z, b, count), 1000).mechanism
        return float((count * mechanism.rdp(np.array([2.0, 8.0, 32.0]), "add-remove")).sum())

    spent = epsilon(multiplier, batch, steps)
    assert epsilon(multiplier * 1.5, batch, steps) < spent
    assert epsilon(multiplier, batch, steps + 1) > spent
    assert epsilon(multiplier, batch * 1.5, steps) > spent
