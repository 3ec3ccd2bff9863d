import math
from pathlib import Path

import numpy as np
import pytest
import torch
from support.learning import learner
from support.tolerance import rounding
from support.toy_recognisers import operations, recogniser
from support.toy_speech import TOKENS, made_up

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec
from fedasr.asr.recogniser import digest
from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, save_arrays
from fedasr.common.randomness import Streams
from fedasr.protection.dp_sgd.averaging import Average
from fedasr.protection.dp_sgd.plan import DPSGDSpec
from fedasr.protection.dp_sgd.trainer import DescentSpec, DPTrainer, NoiseOfStep, reproducible_noise, secure_noise
from fedasr.training.batches import training_batch
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.supervised import Supervised

SPEC = DPSGDSpec(0.5, 0.3, 4.0, 5)
AUGMENT = AugmentSpec()
SEEDED = reproducible_noise(Streams(1, "row"), "central")


def _trainer(
    descent: DescentSpec, spec: DPSGDSpec = SPEC, noise: NoiseOfStep = SEEDED, augment: AugmentSpec = AUGMENT
) -> DPTrainer:
    return DPTrainer(learner(recogniser("bilstm", "joint", 1, 0.2), made_up(9), augment), spec, descent, noise)


class _StoppedError(Exception):
    pass


@pytest.mark.parametrize("stop", [1, 3, 4])
@pytest.mark.parametrize(
    "descent",
    [
        DescentSpec(momentum=0.9, average=0.6),
        DescentSpec("adam", 0.01, average=1.0, average_decay=0.5, layers=("ctc.*",)),
    ],
)
def test_stopped_and_resumed_gives_the_bits_of_an_uninterrupted_training(
    stop: int, descent: DescentSpec, tmp_path: Path
) -> None:
    whole, first, second = _trainer(descent), _trainer(descent), _trainer(descent)
    whole.run()

    def leave(step: int, taken: object) -> None:
        if step == stop:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        first.run(leave)
    save_arrays(tmp_path / "state", first.state(), {})
    second.restore(load_arrays(tmp_path / "state")[0])
    assert second.step == stop
    second.run()
    assert digest(second.weights()) == digest(whole.weights())
    assert second.state().keys() == whole.state().keys()
    for name, array in whole.state().items():
        np.testing.assert_array_equal(second.state()[name], array, err_msg=name)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_frozen_parameters_are_untouched_to_the_bit(optimizer: str) -> None:
    trainer = _trainer(DescentSpec(optimizer, 0.05, average=0.5, layers=("transducer.*", "encoder.norms.*")))
    before = trainer.recogniser.weights()
    trainer.run()
    for after in (trainer.recogniser.weights(), trainer.weights()):
        changed = {name for name in before if not np.array_equal(before[name], after[name])}
        assert changed == {name for name in before if name.startswith(("transducer.", "encoder.norms."))}


def test_without_clipping_and_noise_it_is_gradient_descent() -> None:
    spec = DPSGDSpec(math.inf, 0.0, 9.0, 3)
    trainer = _trainer(DescentSpec(learning_rate=0.2, decay=0.1), spec, augment=NO_AUGMENTATION)
    plain = recogniser("bilstm", "joint", 1, 0.2)
    trainer.recogniser.encoder.dropout = trainer.recogniser.transducer.dropout = 0.0
    batch = training_batch(made_up(9), range(9), TOKENS, NO_AUGMENTATION, np.random.default_rng(0))
    largest = 0.0
    for rate in (0.2, 0.2 * 0.7, 0.2 * 0.4):
        _, gradient = batch_gradient(plain, Supervised().losses, batch, None)
        with torch.no_grad():
            for parameter, part in zip(plain.parameters(), gradient, strict=True):
                parameter.sub_(rate * part)
                largest = max(largest, float(part.abs().max()))
    within = 3 * 0.2 * rounding(2 * operations(60, 1), largest)
    trainer.run()
    for name, value in plain.weights().items():
        np.testing.assert_allclose(trainer.weights()[name], value, rtol=rounding(3), atol=within, err_msg=name)


def test_the_loss_falls_under_a_little_noise() -> None:
    losses: list[float] = []
    trainer = _trainer(DescentSpec("adam", 0.01), DPSGDSpec(1.0, 0.05, 6.0, 30))
    trainer.run(lambda step, taken: losses.append(taken.loss))
    assert len(losses) == 30
    assert np.nanmean(losses[-5:]) < 0.8 * np.nanmean(losses[:3])


def test_secure_noise_differs_from_training_to_training() -> None:
    digests = set()
    for _ in range(2):
        trainer = _trainer(DescentSpec(), noise=secure_noise)
        trainer.run()
        digests.add(digest(trainer.weights()))
    assert len(digests) == 2


def test_steps_and_purposes_draw_unlike_noise() -> None:
    other = reproducible_noise(Streams(1, "row"), "start")
    draws = [noise(step).uniform(4).tolist() for noise in (SEEDED, other) for step in (0, 1)]
    assert len({tuple(draw) for draw in draws}) == 4
    assert SEEDED(1).uniform(4).tolist() == draws[1]


def test_the_average_of_the_last_iterates_is_what_is_given_out() -> None:
    trainer, iterates = _trainer(DescentSpec(average=0.6)), []
    trainer.run(lambda step, taken: iterates.append(trainer.recogniser.weights()))
    for name, value in trainer.weights().items():
        last = np.stack([w[name] for w in iterates[2:]])
        np.testing.assert_allclose(value, last.mean(0), rtol=0, atol=rounding(2 * len(last), np.abs(last).max()))


def test_no_steps_change_nothing() -> None:
    trainer = _trainer(DescentSpec(average=1.0), DPSGDSpec(steps=0, batch_size=3))
    before = digest(trainer.recogniser.weights())
    trainer.run()
    assert digest(trainer.weights()) == before


def test_unknown_layers_are_refused_at_once() -> None:
    with pytest.raises(UserError, match="'layers'"):
        _trainer(DescentSpec(layers=("nothing.*",)))


@pytest.mark.parametrize("decay", [1.0, 0.8])
def test_averages_weigh_iterates_as_they_say(decay: float) -> None:
    average, values = Average(0.5, decay), np.random.default_rng(0).standard_normal((40, 3))
    for number, value in enumerate(values, 1):
        average.add(number, len(values), {"w": value})
    late = values[20:]
    expected = late[:5].mean(0) if decay < 1 else late.mean(0)
    if decay < 1:
        for value in late[5:]:
            expected = decay * expected + (1 - decay) * value
    weights = average.weights()
    assert weights is not None
    np.testing.assert_allclose(weights["w"], expected, rtol=1e-5)
    assert Average(0.0).weights() is None
