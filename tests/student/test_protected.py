"""The central trainer under a guarantee: every stretch is a release."""

from pathlib import Path

import numpy as np
import pytest
from support.learning import learner
from support.toy_speech import made_up, small_recogniser

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.recogniser import digest
from fedasr.common.randomness import Streams
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.noise import Noise
from fedasr.protection.dp_sgd import protection
from fedasr.protection.dp_sgd.protection import DPSGD
from fedasr.protection.releases import Releases
from fedasr.runs.release_folder import ReleaseFolder
from fedasr.student.trainer import CentralTrainer, TrainerSpec

OPTIONS = DPSGD(noise_multiplier=0.3, clip_norm=0.5, batch_size=4, steps=5, learning_rate=0.01)


def _trainer(folder: Path, options: DPSGD = OPTIONS, reproducible: bool = True) -> CentralTrainer:
    streams = Streams(1)
    taught = learner(small_recogniser(0.2), made_up(5), AugmentSpec(), public=made_up(4, name="p"))
    releases = Releases(ReleaseFolder(folder), streams, reproducible)
    return CentralTrainer(taught, TrainerSpec(), streams, protection=options, releases=releases)


def _paid(trainer: CentralTrainer) -> list[tuple[str, int]]:
    assert trainer.releases is not None
    return [(release.key, release.count) for release in trainer.releases.ledger.releases]


class _StoppedError(Exception):
    pass


def test_every_step_is_paid_and_no_loss_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "STRETCHES", 2)
    trainer, told = _trainer(tmp_path), []
    trainer.run(lambda epoch, loss: told.append((epoch, loss)))
    assert told == [(1, None), (2, None)]
    assert [count for _, count in _paid(trainer)] == [2, 3]
    (mechanism,) = {release.mechanism for release in trainer.releases.ledger.releases}
    assert trainer.releases.promised == Promise("utterance", "add-remove", 1e-5, ((mechanism, 5),))
    assert {release.mechanism.rate for release in trainer.releases.ledger.releases} == {4 / 9}


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_resumed_training_reads_what_was_released_and_pays_for_nothing_twice(stop: int, tmp_path: Path) -> None:
    whole = _trainer(tmp_path / "whole")
    whole.run()
    first, checkpoint = _trainer(tmp_path / "row"), {}

    def leave(epoch: int, loss: float | None) -> None:
        if epoch == stop - 1:
            checkpoint.update(first.state())  # one stretch behind what was released
        if epoch == stop:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        first.run(leave)
    second = _trainer(tmp_path / "row")
    if checkpoint:
        second.restore(checkpoint)
    second.run()
    assert digest(second.weights()) == digest(whole.weights())
    assert _paid(second) == _paid(whole)
    for name, array in whole.state().items():
        np.testing.assert_array_equal(second.state()[name], array, err_msg=name)


def test_no_step_is_sampled_before_its_stretch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next step is sampled while the gradient of one is computed, within a stretch alone: that is one release."""
    monkeypatch.setattr(protection, "STRETCHES", 2)
    trainer, asked = _trainer(tmp_path), []
    drawn = CentralTrainer._noise

    def noise(self: CentralTrainer, what: str, step: int) -> Noise:
        asked.append((step, self.epoch))
        return drawn(self, what, step)

    monkeypatch.setattr(CentralTrainer, "_noise", noise)
    trainer.run()
    assert asked == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1)]


def test_a_state_of_version_0_1_counts_steps_alone(tmp_path: Path) -> None:
    first = _trainer(tmp_path / "a")
    first.run()
    old = {name: array for name, array in first.state().items() if name != "epoch"}
    second = _trainer(tmp_path / "b")
    second.restore(old)
    assert second.epoch == first.epoch == 5
    assert digest(second.weights()) == digest(first.weights())


def test_secure_noise_differs_from_training_to_training(tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        trainer = _trainer(tmp_path / name, reproducible=False)
        trainer.run()
        digests.add(digest(trainer.weights()))
    assert len(digests) == 2


def test_without_clipping_to_speak_of_and_noise_the_loss_falls(tmp_path: Path) -> None:
    options = DPSGD(noise_multiplier=1e-6, clip_norm=1e3, batch_size=9, steps=30, learning_rate=0.01)
    trainer = _trainer(tmp_path, options)

    def loss() -> float:
        batch = trainer.learner.batch(range(9), np.random.default_rng(0))
        return trainer.learner.recogniser.losses(batch).mean().item()

    before = loss()
    trainer.run()
    assert loss() < 0.8 * before
