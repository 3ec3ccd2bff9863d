"""How many gradients of one utterance a row is set to take on the silos' speech, known before anything is trained.

A strategy whose rounds are one message ``train`` to each silo of a cohort need say nothing. Any other has a method
``workload(asked)`` that returns a `RowWork`, or None where it cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flwr.serverapp.strategy import Strategy

from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import TRAIN
from fedasr.server.foreign.own_loop import wants_central
from fedasr.silo.client import ClientHalf
from fedasr.student.trainer import TrainerSpec

ROUNDS, STEPS, EPOCHS = "training.rounds", "options.steps", "options.epochs"
"""The keys of a row by which it says how long it trains."""


@dataclass(frozen=True)
class RowWork:
    """What a row is set to take.

    Parameters
    ----------
    of_one : float
        Gradients of one utterance in one round, or epoch, or step of every silo.
    count : int
        How many of these there are.
    key : str
        The key of the row that says how many; empty where none does.
    is_paid : bool
        The strategy makes a promise of its own, which bounds what it takes.
    """

    of_one: float = 0.0
    count: int = 0
    key: str = ROUNDS
    is_paid: bool = False

    @property
    def utterances(self) -> float:
        """All together."""
        return self.of_one * self.count


@dataclass(frozen=True)
class Asked:
    """What is asked of silos, and who they are.

    Parameters
    ----------
    training : TrainingSpec
    central : TrainerSpec
    sizes : tuple of int
        The utterances that each silo trains on.
    share : float
        The share of the silos that takes part in a round, expected.
    lot : float, optional
        Utterances that a protection draws for a step, expected; None: batches of ``training.batch_size``.
    """

    training: TrainingSpec
    central: TrainerSpec
    sizes: tuple[int, ...]
    share: float = 1.0
    lot: float | None = None

    def of_steps(self, steps: float) -> float:
        """Return what so many steps in every silo take, expected: a pass over n utterances has ⌈n / batch⌉ batches.

        NaN where batches are of so many seconds: how many utterances those hold depends on whose they are.
        """
        if self.lot is not None:
            return steps * self.lot * len(self.sizes)
        if self.training.batch_seconds:
            return math.nan
        return sum(steps * size / math.ceil(size / self.training.batch_size) for size in self.sizes if size)

    def of_epochs(self, epochs: float) -> float:
        """Return what so many passes of every silo over its own speech take."""
        return epochs * sum(self.sizes)

    def of_a_round(self) -> float:
        """Return what the local work of a round takes in every silo."""
        training = self.training
        return self.of_epochs(training.local_epochs) if training.local_epochs else self.of_steps(training.local_steps)


def workload_of(strategy: Strategy, client: ClientHalf | None, asked: Asked) -> RowWork | None:
    """Return what a row is set to take, None where its strategy cannot tell."""
    own = getattr(strategy, "workload", None)
    if own is not None:
        found: RowWork | None = own(asked)
        return found
    if wants_central(strategy):
        return None
    stretches = (client.kinds().get(TRAIN.name, TRAIN) if client else TRAIN).stretches
    return RowWork(asked.share * stretches * asked.of_a_round(), asked.training.rounds)


def rounds_of(gradients: float, asked: Asked) -> RowWork:
    """Return the workload of rounds that take so many gradients in all silos together."""
    return RowWork(asked.share * gradients, asked.training.rounds)


def sizes_of(silos: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Return how many utterances each silo trains on."""
    return tuple(map(len, silos))
