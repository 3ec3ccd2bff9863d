"""A protection of one's own: each utterance's gradient is clipped, and nothing is added.

Clipping without noise promises nothing: no ε is printed, and nothing reaches the ledger. It tells how much of what
DP-SGD costs is due to clipping. ``protection = "protection:Clipping"`` finds it on the path. In a package it has a
name, by its ``pyproject.toml``::

    [project.entry-points."fedasr.protections"]
    clipping = "protection:Clipping"
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from fedasr.asr.batch import Batch
from fedasr.common.settings import number
from fedasr.protection.batchwise import Batchwise
from fedasr.protection.per_example.clipping import clipped_gradient_sum
from fedasr.training.gradients import Gradient
from fedasr.training.learner import Learner
from fedasr.training.parameters import with_zeros


@dataclass(frozen=True)
class Clipping(Batchwise):
    """The mean over a batch of each utterance's gradient, clipped.

    Parameters
    ----------
    clip_norm : float
        The largest L2 norm of an utterance's gradient; ``inf`` clips nothing.
    """

    clip_norm: float = number(1.0, above=0)

    def gradient(self, learner: Learner, batch: Batch, masks: torch.Generator) -> Gradient:
        """Return the mean loss of a batch and the mean of its clipped gradients, one tensor a parameter."""
        recogniser, losses, layers = learner.recogniser, learner.objective.losses, learner.layers
        total = clipped_gradient_sum(recogniser, losses, batch, self.clip_norm, masks, layers)
        return total.loss, with_zeros(recogniser, layers, [part.float() / len(batch) for part in total.gradient])
