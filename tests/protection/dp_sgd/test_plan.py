import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.devices import ELSEWHERE, device_of_masks
from support.examples import THERE_AND_BACK, assert_close, norm
from support.learning import learner
from support.tolerance import of_a_deviation, rounding
from support.toy_recognisers import recogniser
from support.toy_speech import TOKENS, made_up

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec
from fedasr.common.errors import UserError
from fedasr.privacy.accounting.ledger import Ledger, Release
from fedasr.privacy.noise import ReproducibleNoise, SecureNoise
from fedasr.protection.dp_sgd.plan import DPSGDPlan, DPSGDSpec, noisy_gradient
from fedasr.training.batches import training_batch
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.supervised import Supervised

FREE = DPSGDSpec(math.inf, 0.0, 3.0)
"""Neither clipping nor noise."""


def _take(spec: DPSGDSpec, seed: int = 0, examples: int = 9, **options):
    plan, noise = DPSGDPlan(spec, examples), ReproducibleNoise(seed)
    return noisy_gradient(learner(recogniser(), made_up(examples)), plan, noise, **options)


def _plain_sum(indices: list[int]) -> list[torch.Tensor]:
    batch = training_batch(made_up(9), indices, TOKENS, NO_AUGMENTATION, np.random.default_rng(0))
    return [len(indices) * part for part in batch_gradient(recogniser(), Supervised().losses, batch, None)[1]]


def test_everybody_without_clipping_and_noise_is_the_plain_gradient() -> None:
    taken = _take(DPSGDSpec(math.inf, 0.0, 9.0))
    assert (taken.drawn, taken.left_out, taken.clipped) == (9, 0, 0.0)
    assert_close(taken.gradient, [part / 9 for part in _plain_sum(list(range(9)))])


@pytest.mark.parametrize("count", [2, 4])
def test_the_sum_is_divided_by_the_expected_batch_not_the_drawn_one(count: int) -> None:
    plan = DPSGDPlan(FREE, 9)
    seed = next(s for s in range(99) if len(plan.sample(ReproducibleNoise(s))) == count)
    drawn = plan.sample(ReproducibleNoise(seed))
    taken = _take(FREE, seed)
    assert taken.drawn == count
    assert_close(taken.gradient, [part / 3 for part in _plain_sum(drawn)])


def test_noise_is_added_once_with_its_standard_deviation() -> None:
    plan = DPSGDPlan(DPSGDSpec(0.5, 3.0, 4.0), 100)
    total = [torch.full((300, 200), 8.0, dtype=torch.float64), torch.zeros(7, dtype=torch.float64)]
    noised = plan.noised_mean(total, ReproducibleNoise(1))
    deviation = (noised[0].double() - 8.0 / 4.0).flatten().numpy()
    assert abs(deviation.mean()) < 5 * 0.375 / math.sqrt(60_000)
    assert deviation.std() == pytest.approx(0.5 * 3.0 / 4.0, rel=5 / math.sqrt(2 * 60_000))
    assert {part.dtype for part in _take(plan.spec).gradient} == {torch.float32}
    assert total[0].eq(8.0).all()


def test_noise_does_not_depend_on_how_many_pieces_a_batch_has() -> None:
    spec = DPSGDSpec(0.5, 1.0, 8.0)
    whole, pieces = _take(spec), _take(spec, most_at_once=2)
    assert_close(pieces.gradient, whole.gradient)


def test_nobody_drawn_is_noise_alone() -> None:
    spec = DPSGDSpec(1.0, 2.0, 1.0)
    seed = next(s for s in range(99) if not DPSGDPlan(spec, 9).sample(ReproducibleNoise(s)))
    taken = _take(spec, seed)
    assert taken.drawn == 0
    assert math.isnan(taken.loss)
    size = sum(part.numel() for part in taken.gradient)
    assert norm(taken.gradient) == pytest.approx(2.0 * math.sqrt(size), rel=5 / math.sqrt(2 * size))


def test_without_noise_the_gradient_is_within_its_bound() -> None:
    taken = _take(DPSGDSpec(0.01, 0.0, 3.0))
    assert taken.clipped == 1.0
    assert 0 < norm(taken.gradient) <= taken.drawn * 0.01 / 3 * (1 + rounding(THERE_AND_BACK))


def test_clip_norm_zero_reveals_nothing() -> None:
    assert norm(_take(DPSGDSpec(0.0, 1.0, 3.0)).gradient) == 0


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


def test_secure_noise_is_never_drawn_again_and_a_seed_is() -> None:
    plan, speech = DPSGDPlan(DPSGDSpec(), 20), made_up(20)
    arguments = (learner(recogniser(dropout=0.2), speech, AugmentSpec()), plan)
    seeded = [noisy_gradient(*arguments, ReproducibleNoise(s)).gradient for s in (1, 1, 2)]
    secure = [noisy_gradient(*arguments, SecureNoise()).gradient for _ in range(2)]
    assert all(a.equal(b) for a, b in zip(seeded[0], seeded[1], strict=True))
    assert not seeded[0][0].equal(seeded[2][0])
    assert not secure[0][0].equal(secure[1][0])


@pytest.mark.parametrize(("dropout", "augment"), [(0.3, NO_AUGMENTATION), (0.0, AugmentSpec())])
def test_dropout_and_augmentation_are_drawn_from_the_steps_noise(dropout: float, augment: AugmentSpec) -> None:
    """Everyone takes part and nothing is added: what is left to differ between two seeds is what was dropped."""
    plan = DPSGDPlan(DPSGDSpec(math.inf, 0.0, 9.0), 9)

    def gradient(seed: int) -> torch.Tensor:
        model = learner(recogniser(dropout=dropout), made_up(9), augment)
        taken = noisy_gradient(model, plan, ReproducibleNoise(seed))
        return torch.cat([part.flatten() for part in taken.gradient])

    assert gradient(1).equal(gradient(1))
    assert not torch.allclose(gradient(1), gradient(2), rtol=1e-3)


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
        noisy_gradient(learner(recogniser(), made_up(4)), DPSGDPlan(FREE, 9), ReproducibleNoise(0))


@given(st.floats(0.1, 3.0), st.floats(1.0, 100.0), st.integers(1, 500))
def test_more_noise_fewer_steps_and_smaller_batches_cost_less(multiplier: float, batch: float, steps: int) -> None:
    def epsilon(z: float, b: float, count: int) -> float:
        mechanism = DPSGDPlan(DPSGDSpec(1.0, z, b, count), 1000).mechanism
        return float((count * mechanism.rdp(np.array([2.0, 8.0, 32.0]), "add-remove")).sum())

    spent = epsilon(multiplier, batch, steps)
    assert epsilon(multiplier * 1.5, batch, steps) < spent
    assert epsilon(multiplier, batch, steps + 1) > spent
    assert epsilon(multiplier, batch * 1.5, steps) > spent


def test_masks_are_drawn_on_the_recognisers_device(monkeypatch: pytest.MonkeyPatch) -> None:
    where = "fedasr.protection.dp_sgd.plan"
    assert device_of_masks(lambda: _take(FREE), where, monkeypatch) == str(ELSEWHERE)
