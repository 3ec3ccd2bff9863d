"""Charges training in silos before it is asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from fedasr.common.errors import RowError, UserError
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.protection.releases import Charge, Releases


class Steps(Protocol):
    """What one step of training in a silo costs, and the target it was planned for."""

    @property
    def mechanism(self) -> Mechanism: ...

    @property
    def delta(self) -> float: ...


@dataclass(frozen=True)
class Announcement:
    """Charges training in silos before it is asked for: their noise is drawn where it cannot be written down first.

    Parameters
    ----------
    releases : Releases
    protection : Steps
    local_steps : int
        Steps behind one message; a message that asks for a gradient has one.
    """

    releases: Releases
    protection: Steps
    local_steps: int

    def __call__(self, round: int, kinds: Collection[str]) -> None:
        """Charge a round.

        Raises
        ------
        RowError
            For messages whose training is not accounted for, and where the noise cannot be planned.
        """
        if not set(kinds) <= {"train", "train.gradient"}:
            raise RowError(f"protection is for silos that train models or gradients, not {', '.join(sorted(kinds))}")
        try:
            mechanism = self.protection.mechanism
        except UserError as error:
            raise RowError(str(error)) from error
        if self.releases.delta is None:
            self.releases.promise("utterance", "add-remove", self.protection.delta, ("poisson", "poisson"))
        if (self.releases.unit, self.releases.adjacency) != ("utterance", "add-remove"):
            raise RowError(f"the row promises privacy to a {self.releases.unit} already; set protection = 'none'")
        steps = self.local_steps if "train" in kinds else 1
        self.releases.announce(f"round.{round}", Charge(mechanism, steps))
