"""A protection of one's own: each step's gradient is scaled to one length, however long it was.

It promises nothing: no ε is printed, and nothing reaches the ledger. ``protection = "protection:Normalised"`` finds it
on the path. In a package it has a name, by its ``pyproject.toml``::

    [project.entry-points."fedasr.protections"]
    normalised = "protection:Normalised"
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from fedasr.asr.batch import Batch
from fedasr.common.settings import number
from fedasr.protection.batchwise import Batchwise
from fedasr.training.gradients import Gradient
from fedasr.training.learner import Learner


@dataclass(frozen=True)
class Normalised(Batchwise):
    """The direction of each batch's gradient.

    Parameters
    ----------
    length : float
        The L2 norm that every gradient is given; one of zeros stays.
    """

    length: float = number(1.0, above=0, below=math.inf)

    def gradient(self, learner: Learner, batch: Batch, masks: torch.Generator) -> Gradient:
        """Return the mean loss of a batch and its gradient's direction, one tensor a parameter."""
        loss, gradient = learner.gradient(batch, masks)
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in gradient]))
        return loss, [part * (self.length / norm) if norm > 0 else part for part in gradient]
