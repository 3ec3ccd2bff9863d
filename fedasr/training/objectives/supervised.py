"""Objectives: what a recogniser is trained for, one loss an utterance."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser


class Objective(Protocol):
    """Scores a batch; smaller is better."""

    def __call__(self, recogniser: Recogniser, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """Return one loss an utterance, shape (batch,)."""


def supervised(recogniser: Recogniser, batch: Batch, generator: torch.Generator | None) -> Tensor:
    """Return the negative log-likelihood of the transcripts, in nats a token."""
    return recogniser.losses(batch, generator)


OBJECTIVES: dict[str, Objective] = {"supervised": supervised}
