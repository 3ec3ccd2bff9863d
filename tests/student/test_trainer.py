from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.devices import ELSEWHERE, device_of_masks
from support.learning import learner
from support.toy_speech import made_up, small_recogniser

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.recogniser import digest
from fedasr.common.files import load_arrays, save_arrays
from fedasr.common.randomness import Streams
from fedasr.student.trainer import CentralTrainer, TrainerSpec
from fedasr.training.iterates import IterateMean


def _trainer(epochs: int = 4, batch_size: int = 3, seed: int = 0, purpose: str = "central") -> CentralTrainer:
    spec = TrainerSpec(epochs, batch_size, learning_rate=0.01)
    taught = learner(small_recogniser(0.3), made_up(7), AugmentSpec(), batch_size=batch_size)
    return CentralTrainer(taught, spec, Streams(seed), purpose)


class _StoppedError(Exception):
    pass


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_stopped_and_restored_gives_the_bits_of_an_uninterrupted_training(stop: int, tmp_path: Path) -> None:
    whole, losses = _trainer(), []
    whole.run(lambda epoch, loss: losses.append(loss))
    first, second, later = _trainer(), _trainer(), []

    def leave(epoch: int, loss: float) -> None:
        if epoch == stop:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        first.run(leave)
    save_arrays(tmp_path / "state", first.state(), {})
    second.restore(load_arrays(tmp_path / "state")[0])
    second.run(lambda epoch, loss: later.append(loss))
    assert later == losses[stop:]
    assert digest(second.weights()) == digest(whole.weights())
    for name, array in whole.state().items():
        np.testing.assert_array_equal(second.state()[name], array, err_msg=name)


@pytest.mark.parametrize("stop", [1, 2, 3, 5, 8, 11])
@pytest.mark.parametrize("batch_seconds", [0.0, 1.2])
def test_left_within_an_epoch_and_restored_it_gives_the_same_bits(
    stop: int, batch_seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedasr.student.trainer.WITHIN_SECONDS", 0.0)
    whole, losses = _averaged(batch_seconds), []
    whole.run(lambda epoch, loss: losses.append(loss))
    first, second, later, steps = _averaged(batch_seconds), _averaged(batch_seconds), [], []

    def leave() -> None:
        steps.append(first.epoch)
        if len(steps) == stop:
            save_arrays(tmp_path / "state", first.state(), {})
            raise _StoppedError

    with pytest.raises(_StoppedError):
        first.run(within=leave)
    second.restore(load_arrays(tmp_path / "state")[0])
    assert second.epoch == steps[-1]
    second.run(lambda epoch, loss: later.append(loss))
    assert later == losses[steps[-1] :], "the loss of an epoch is that of all its steps"
    assert second.state().keys() == whole.state().keys()
    for name, array in whole.state().items():
        np.testing.assert_array_equal(second.state()[name], array, err_msg=name)
    taken = second.meter.taken
    assert taken is not None
    assert taken.private == 7 * (4 - steps[-1]), "what is counted of an epoch is all of it"


def _averaged(batch_seconds: float) -> CentralTrainer:
    made = _trainer()
    made.iterates, made.learner = IterateMean(), replace(made.learner, batch_seconds=batch_seconds)
    return CentralTrainer(made.learner, made.spec, made.streams, iterates=IterateMean())


def test_training_repeats_whatever_the_world_draws_and_however_many_threads_there_are() -> None:
    digests = []
    for world, threads in ((1, 1), (2, 2)):
        torch.manual_seed(world)
        np.random.seed(world)
        torch.set_num_threads(threads)
        try:
            trainer = _trainer()
            torch.manual_seed(world)
            trainer.run()
            assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(1)
        digests.append(digest(trainer.weights()))
    assert digests[0] == digests[1]


@pytest.mark.parametrize("change", [{"seed": 1}, {"purpose": "start"}])
def test_seed_and_purpose_matter(change: dict) -> None:
    trainers = [_trainer(), _trainer(**change)]
    for trainer in trainers:
        trainer.run()
    assert digest(trainers[0].weights()) != digest(trainers[1].weights())


def test_the_loss_falls() -> None:
    losses: list[float] = []
    _trainer(30).run(lambda epoch, loss: losses.append(loss))
    assert losses[-1] < 0.8 * losses[0]
    assert len(losses) == 30


def test_one_utterance_is_enough() -> None:
    trainer = _trainer(1, batch_size=1)
    before = digest(trainer.weights())
    trainer.run()
    assert digest(trainer.weights()) != before


def test_masks_are_drawn_on_the_recognisers_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device_of_masks(_trainer().run, "fedasr.common.randomness", monkeypatch) == str(ELSEWHERE)
