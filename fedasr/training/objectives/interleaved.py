"""The objective of labelled and machine-labelled speech together (Parthasarathi & Strom, ICASSP 2019, section 3.3)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedasr.common.errors import RowError
from fedasr.common.settings import number, one_of
from fedasr.training.holdings import Holdings
from fedasr.training.objectives.distilled import Distilled
from fedasr.training.objectives.objective import Objective
from fedasr.training.passes import Batches
from fedasr.training.woven import evenly, one_after_another

INTERLEAVED, SEGREGATED = "interleaved", "segregated"
CLOSE = 0.05
"""How far the labelled batches of a pass may be off what their share asks for."""


@dataclass(frozen=True)
class Interleaved(Distilled):
    """Learns from labelled public speech and from what a teacher says of other speech, a batch of one or the other.

    A pass holds each machine-labelled utterance once, and as many labelled batches as their share asks for, drawn from
    shuffled passes over the labelled speech, evenly between the others. Where a silo holds so few batches that the
    share would not come out within a twentieth, a pass holds each machine-labelled utterance some times.

    Parameters
    ----------
    labelled_share : float
        The share of the batches that is of labelled speech.
    labelled_rate : float
        The factor of the learning rate for them.
    order : str
        ``"interleaved"``; or ``"segregated"``: as many batches of both in the whole training, all machine-labelled ones
        first, the reference.
    """

    orders_batches: ClassVar[bool] = True
    labelled_share: float = number(0.25, above=0, below=1)
    labelled_rate: float = number(1.0, above=0)
    order: str = one_of(INTERLEAVED, INTERLEAVED, SEGREGATED)

    @property
    def least_rounds(self) -> int:
        """A round of each kind, where they are apart: silos take but the first batches of a pass."""
        if self.order == INTERLEAVED:
            return 1
        return math.ceil(round(1 / min(self.labelled_share, 1 - self.labelled_share), 9))

    def at(self, begun: float, ended: float) -> Objective:
        """Return the objective of a stretch between two shares of the training."""
        if self.order == INTERLEAVED:
            return self
        machine = (1 - self.labelled_share - begun) / (ended - begun)
        return _Segment(**vars(self), machine_share=min(max(machine, 0.0), 1.0))

    def examples(self, held: Holdings) -> Holdings:
        """Return the machine-labelled speech as private, and the labelled as public."""
        return Holdings(super().examples(held).private, held.labelled)

    def rate(self, learnt: Holdings, indices: Sequence[int]) -> float:
        """Return the factor of the learning rate for a batch: another one where it is labelled."""
        return self.labelled_rate if indices[0] >= len(learnt.private) else 1.0

    def steps(self, learnt: Holdings, batch_size: int, batch_seconds: float = 0.0) -> int:
        """Return how many batches a pass has, of both kinds."""
        return sum(self._counts(learnt, batch_size, batch_seconds))

    def batches(
        self, learnt: Holdings, batch_size: int, generator: np.random.Generator, batch_seconds: float = 0.0
    ) -> Batches:
        """Divide one pass into batches of places, the machine-labelled ones first among the places."""
        machine, labelled = self._counts(learnt, batch_size, batch_seconds)
        found = evenly(
            _drawn(self, learnt, False, batch_size, generator, batch_seconds, machine),
            _drawn(self, learnt, True, batch_size, generator, batch_seconds, labelled),
        )
        first = int(generator.integers(len(found)))  # a silo takes but the first few: it must meet both kinds
        return found.from_number(first)

    def _counts(self, learnt: Holdings, batch_size: int, batch_seconds: float) -> tuple[int, int]:
        """Return how many batches of a pass are machine-labelled and labelled."""
        once = Distilled.steps(self, Holdings(learnt.private), batch_size, batch_seconds)
        beside = once * self.labelled_share / (1 - self.labelled_share)
        times = next((n for n in itertools.count(1) if abs(round(n * beside) - n * beside) <= CLOSE * n * beside), 1)
        return times * once, max(1, round(times * beside))


@dataclass(frozen=True)
class _Segment(Interleaved):
    """A stretch of a segregated training: all of one kind but where the other begins within it.

    Parameters
    ----------
    machine_share : float
        The share of its batches that is machine-labelled.
    """

    machine_share: float = 1.0

    def batches(
        self, learnt: Holdings, batch_size: int, generator: np.random.Generator, batch_seconds: float = 0.0
    ) -> Batches:
        """Draw as many batches as an interleaved pass has, the machine-labelled first."""
        count = self.steps(learnt, batch_size, batch_seconds)
        machine = round(count * self.machine_share)
        kinds = ((False, machine), (True, count - machine))
        drawn = [_drawn(self, learnt, kind, batch_size, generator, batch_seconds, of) for kind, of in kinds]
        return one_after_another(drawn, count)


def _drawn(
    objective: Interleaved, learnt: Holdings, labelled: bool, batch_size: int, generator: np.random.Generator,
    batch_seconds: float, count: int,
) -> Batches:  # fmt: skip
    """Draw batches from as many shuffled passes over one kind of speech as it takes; places of the whole.

    Raises
    ------
    RowError
        Where there is none of that kind.
    """
    part = Holdings(public=learnt.public) if labelled else Holdings(learnt.private)
    if count and not len(part.examples):
        kind = "labelled public" if labelled else "machine-labelled"
        raise RowError(f"there is no {kind} speech, and '{objective.order}' batches take some; set another objective")
    found = list[Batches]()
    while sum(map(len, found)) < count:
        found.append(Distilled.batches(objective, part, batch_size, generator, batch_seconds))
    return one_after_another(found, count, len(learnt.private) if labelled else 0)
