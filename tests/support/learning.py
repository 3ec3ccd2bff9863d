"""Learners, made of a recogniser and speech, and the dice of their training."""

import numpy as np
import torch

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec
from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.soft_targets import FrameTargets
from fedasr.privacy.noise import ReproducibleNoise
from fedasr.protection.step import Dice
from fedasr.training.batches import Examples
from fedasr.training.holdings import NOTHING, Holdings
from fedasr.training.learner import Learner
from fedasr.training.objectives.objective import Objective
from fedasr.training.objectives.supervised import Supervised
from fedasr.training.parameters import ALL


class Says:
    """A teacher that is sure of the first letter all along, and hears "a"."""

    def targets(self, utterance_id: str) -> FrameTargets:
        return np.full((20, 1), 2), np.ones((20, 1), np.float32), np.zeros(20, np.float32)

    def text(self, utterance_id: str) -> str:
        return "a"


def learner(
    recogniser: Recogniser, private: Examples = NOTHING, augment: AugmentSpec = NO_AUGMENTATION, *,
    public: Examples = NOTHING, objective: Objective | None = None, batch_size: int = 3, layers: tuple[str, ...] = ALL,
    batch_seconds: float = 0.0, labelled: Examples = NOTHING,
) -> Learner:  # fmt: skip
    held = Holdings(private, public, labelled=labelled, teacher=Says())
    return Learner(recogniser, objective or Supervised(), held, augment, batch_size, layers, batch_seconds)


def dice(seed: int = 0, lanes: int = 1) -> Dice:
    masks = tuple(torch.Generator().manual_seed(seed + lane) for lane in range(lanes))
    return Dice(np.random.default_rng(seed), masks, lambda what, step: ReproducibleNoise(hash((seed, step)) % 2**32))


def assert_learns(model: Recogniser, batch: Batch) -> None:
    """Fifteen steps lower the loss by three tenths, and every parameter has a part in it."""
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = model.losses(batch).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())
