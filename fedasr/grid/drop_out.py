"""Silos that drop out of a round: on phones some always do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Outcome, Request
from fedasr.network import dropped

REASON = "dropped out of the round, as its simulated network has it"


@dataclass(frozen=True)
class DropOut:
    """Draws who drops out of a round of training: the same silos in all rows of a seed.

    Parameters
    ----------
    probability : float
    streams : Streams
        Those of the experiment.
    """

    probability: float
    streams: Streams

    def __call__(self, round: int, requests: Sequence[Request]) -> tuple[list[Request], list[Outcome]]:
        """Return the requests that are answered, and what becomes of the others."""
        silos = [request.silo for request in requests if request.kind.trains]
        gone = dropped(self.streams.sequence("drop-out", round), silos, self.probability)
        return (
            [request for request in requests if request.silo not in gone],
            [Outcome(request, None, REASON, dropped_out=True) for request in requests if request.silo in gone],
        )
