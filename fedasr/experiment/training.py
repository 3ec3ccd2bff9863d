"""Rounds, and what a silo does in one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from fedasr.common.settings import Mistake, Settings, least, number, one_of, share

ALTERNATIVES = (("local_steps", "local_epochs"), ("batch_size", "batch_seconds"))
"""Two ways each to say how long a silo trains in a round, and what a batch holds: a row that says one says both."""


@dataclass(frozen=True)
class TrainingSpec(Settings):
    """Rounds, and what a silo does in one.

    Parameters
    ----------
    rounds : int
        Exchanges between the server and the silos.
    local_steps : int
        Optimizer steps of a silo in a round, however much it holds.
    local_epochs : int
        Passes of a silo over its own speech in a round, in place of `local_steps`: a pass over n utterances takes
        n / `batch_size` steps, rounded up; with `batch_seconds` as many as its batches. 0 counts in steps.
    silos_per_round : int
        Silos drawn for a round; 0 means all.
    least_replies : float
        A round with a smaller share of good replies ends the row.
    batch_size : int
        Utterances of a local step.
    batch_seconds : float
        In place of `batch_size`: a local step takes as many utterances of like length as fit into so many seconds of
        speech, padded to the longest (before `augment`), and one at least. 0 counts in utterances.
    optimizer : str
        ``"sgd"`` or ``"adamw"``; its state is new in every round, unless the strategy keeps it (`bmuf`).
    learning_rate : float
        Of the local optimizer.
    momentum : float
        Of SGD.
    weight_decay : float
        Of the local optimizer; AdamW's is decoupled from the gradient.
    gradient_norm : float
        Local gradients are clipped to this global L2 norm (for stability; it promises no privacy); ``inf``
        switches it off.
    decay : float
        The learning rate falls linearly over the rounds to this share of itself.
    evaluate_every : int
        Rounds between evaluations on the development speakers; the last round is always evaluated.
    timeout_seconds : float
        How long a silo may take for one message, from when its work begins. One that takes longer counts as failed in
        that round and goes on from what it kept before; others lose nothing by it, however few workers there are.
    """

    rounds: int = least(20, 1)
    local_steps: int = least(2, 1)
    local_epochs: int = least(0, 0)
    silos_per_round: int = least(0, 0)
    least_replies: float = share(0.5)
    batch_size: int = least(8, 1)
    batch_seconds: float = number(0.0, least=0, below=math.inf)
    optimizer: str = one_of("sgd", "sgd", "adamw")
    learning_rate: float = least(0.1, 0.0)
    momentum: float = share(0.0)
    weight_decay: float = least(0.0, 0.0)
    gradient_norm: float = number(5.0, above=0, mend="inf switches it off")
    decay: float = share(1.0)
    evaluate_every: int = least(1, 1)
    timeout_seconds: float = least(3600.0, 0.1)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse a round that is counted in steps and in epochs, and a batch in utterances and in seconds."""
        if self.local_epochs:
            yield from self.without_effect("local_steps", unless="local_epochs = 0")
        if self.batch_seconds:
            yield from self.without_effect("batch_size", unless="batch_seconds = 0")
