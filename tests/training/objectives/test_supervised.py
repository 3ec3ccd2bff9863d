import numpy as np
import torch
from support.toy_speech import TOKENS, made_up, small_recogniser

from fedasr.asr.augment import NO_AUGMENTATION
from fedasr.training.batches import training_batch
from fedasr.training.objectives.supervised import OBJECTIVES


def test_every_objective_scores_each_utterance_by_itself() -> None:
    model, speech = small_recogniser(), made_up(4)

    def batch(indices: list[int]):
        return training_batch(speech, indices, TOKENS, NO_AUGMENTATION, np.random.default_rng(0))

    for objective in OBJECTIVES.values():
        together = objective(model, batch([0, 1, 2, 3]), None)
        assert together.shape == (4,)
        alone = torch.cat([objective(model, batch([index]), None) for index in range(4)])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
