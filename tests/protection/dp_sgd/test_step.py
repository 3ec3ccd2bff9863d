import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from support.devices import ELSEWHERE, device_of_masks
from support.examples import THERE_AND_BACK, assert_close, norm
from support.learning import learner
from support.tolerance import rounding
from support.toy_recognisers import recogniser
from support.toy_speech import TOKENS, made_up

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec
from fedasr.privacy.noise import Noise, ReproducibleNoise, SecureNoise
from fedasr.protection.dp_sgd.plan import DPSGDPlan, DPSGDSpec
from fedasr.protection.dp_sgd.step import NoisyGradient, noisy_gradient, sampled
from fedasr.protection.per_example.lanes import lane_models
from fedasr.training.batches import training_batch
from fedasr.training.gradients import batch_gradient
from fedasr.training.learner import Learner
from fedasr.training.objectives.supervised import Supervised

FREE = DPSGDSpec(math.inf, 0.0, 3.0)
"""Neither clipping nor noise."""


def _take(spec: DPSGDSpec, seed: int = 0, examples: int = 9, **options):
    plan, taught = DPSGDPlan(spec, examples), learner(recogniser(), made_up(examples))
    return _released(taught, plan, ReproducibleNoise(seed), **options)


def _released(taught: Learner, plan: DPSGDPlan, noise: Noise, lanes: int = 1, **options) -> NoisyGradient:
    models = lane_models(taught.recogniser, lanes)
    return noisy_gradient(models, taught, plan, sampled(taught, plan, noise, lanes), **options)


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
    noised = plan.noised_mean(total, plan.drawn_noise(60_007, ReproducibleNoise(1)))
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


def test_secure_noise_is_never_drawn_again_and_a_seed_is() -> None:
    plan, speech = DPSGDPlan(DPSGDSpec(), 20), made_up(20)
    arguments = (learner(recogniser(dropout=0.2), speech, AugmentSpec()), plan)
    seeded = [_released(*arguments, ReproducibleNoise(s)).gradient for s in (1, 1, 2)]
    secure = [_released(*arguments, SecureNoise()).gradient for _ in range(2)]
    assert all(a.equal(b) for a, b in zip(seeded[0], seeded[1], strict=True))
    assert not seeded[0][0].equal(seeded[2][0])
    assert not secure[0][0].equal(secure[1][0])


@pytest.mark.parametrize(("dropout", "augment"), [(0.3, NO_AUGMENTATION), (0.0, AugmentSpec())])
def test_dropout_and_augmentation_are_drawn_from_the_steps_noise(dropout: float, augment: AugmentSpec) -> None:
    """Everyone takes part and nothing is added: what is left to differ between two seeds is what was dropped."""
    plan = DPSGDPlan(DPSGDSpec(math.inf, 0.0, 9.0), 9)

    def gradient(seed: int) -> torch.Tensor:
        model = learner(recogniser(dropout=dropout), made_up(9), augment)
        taken = _released(model, plan, ReproducibleNoise(seed))
        return torch.cat([part.flatten() for part in taken.gradient])

    assert gradient(1).equal(gradient(1))
    assert not torch.allclose(gradient(1), gradient(2), rtol=1e-3)


def test_masks_are_drawn_on_the_recognisers_device(monkeypatch: pytest.MonkeyPatch) -> None:
    where = "fedasr.protection.dp_sgd.step"
    assert device_of_masks(lambda: _take(FREE), where, monkeypatch) == str(ELSEWHERE)


# Lanes


@pytest.mark.parametrize("drawn", [0, 1, 2, 3, 9])
def test_lanes_share_the_utterances_by_length_and_have_masks_of_their_own(drawn: int) -> None:
    taught, plan = learner(recogniser(), made_up(9)), DPSGDPlan(FREE, 9)
    seed = next(s for s in range(9999) if len(plan.sample(ReproducibleNoise(s))) == drawn) if drawn < 9 else 0
    plan = plan if drawn < 9 else DPSGDPlan(DPSGDSpec(math.inf, 0.0, 9.0), 9)
    expected = sorted(plan.sample(ReproducibleNoise(seed)), key=taught.examples.frames)
    step = sampled(taught, plan, ReproducibleNoise(seed), 2)
    ids = [taught.examples.id(index) for index in expected]
    assert [lane.ids for lane in step.lanes] == [tuple(ids[lane::2]) for lane in range(min(2, drawn) or 1)]
    assert len({masks.initial_seed() for masks in step.masks}) == 2


@pytest.mark.parametrize("clip_norm", [0.0, 0.01, math.inf])
@pytest.mark.parametrize("drawn", [0, 1, 4])
def test_lanes_find_what_one_lane_finds(drawn: int, clip_norm: float) -> None:
    plan = DPSGDPlan(DPSGDSpec(clip_norm, 0.0, 3.0), 9)
    seed = next(s for s in range(99) if len(plan.sample(ReproducibleNoise(s))) == drawn)
    taught = learner(recogniser(), made_up(9))
    one, two = (_released(taught, plan, ReproducibleNoise(seed), lanes) for lanes in (1, 2))
    assert two.drawn == one.drawn == drawn
    assert (two.left_out, str(two.clipped)) == (one.left_out, str(one.clipped))
    assert two.loss == pytest.approx(one.loss, rel=rounding(THERE_AND_BACK), nan_ok=True)
    assert_close(two.gradient, one.gradient)


def test_threads_change_no_bit() -> None:
    plan, taught = DPSGDPlan(DPSGDSpec(0.5, 1.0, 8.0), 9), learner(recogniser(dropout=0.2), made_up(9), AugmentSpec())
    in_turn = _released(taught, plan, ReproducibleNoise(5), 2)
    with ThreadPoolExecutor(3) as executor:
        for _ in range(5):
            side_by_side = _released(taught, plan, ReproducibleNoise(5), 2, executor=executor)
            assert all(a.equal(b) for a, b in zip(side_by_side.gradient, in_turn.gradient, strict=True))
