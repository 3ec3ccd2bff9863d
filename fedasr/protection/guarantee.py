"""What is promised of gradients, in the words of the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from fedasr.privacy.accounting.ledger import charged_as
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.protection.trust import UNSAID, Trust


@dataclass(frozen=True)
class Guarantee:
    """What is promised of gradients.

    Parameters
    ----------
    unit : str
        ``"utterance"``, ``"speaker"`` or ``"silo"``.
    adjacency : str
    delta : float
    sampling : tuple of str
        As accounted, and as done.
    mechanism : Mechanism
        What one step releases; each is charged to the ledger.
    count : int
        How many there are in all, fixed before the first.
    trust : Trust
        Who is trusted with what, and who is guarded against.
    """

    unit: str
    adjacency: Adjacency
    delta: float
    sampling: tuple[str, str]
    mechanism: Mechanism
    count: int
    trust: Trust = UNSAID

    @property
    def promise(self) -> Promise:
        """What it promises, as `fedasr.protection.releases.Releases.promise` takes it."""
        planned = (charged_as(self.mechanism, self.sampling), self.count)
        return Promise(self.unit, self.adjacency, self.delta, (planned,))
