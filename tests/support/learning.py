"""Learners, made of a recogniser and speech."""

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec
from fedasr.asr.recogniser import Recogniser
from fedasr.training.batches import Examples
from fedasr.training.holdings import NOTHING, Holdings
from fedasr.training.learner import Learner
from fedasr.training.objectives.objective import Objective
from fedasr.training.objectives.supervised import Supervised
from fedasr.training.parameters import ALL


def learner(
    recogniser: Recogniser, private: Examples = NOTHING, augment: AugmentSpec = NO_AUGMENTATION, *,
    public: Examples = NOTHING, objective: Objective | None = None, batch_size: int = 3, layers: tuple[str, ...] = ALL,
) -> Learner:  # fmt: skip
    held = Holdings(private, public)
    return Learner(recogniser, objective or Supervised(), held, augment, batch_size, layers)
