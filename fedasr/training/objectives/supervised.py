"""The objective of transcribed speech."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.training.objectives.objective import Objective


@dataclass(frozen=True)
class Supervised(Objective):
    """Learns transcripts: the negative log-likelihood, in nats a token."""

    def losses(self, recogniser: Recogniser, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """Return the negative log-likelihood of each transcript, in nats a token, shape (batch,)."""
        return recogniser.losses(batch, generator)
