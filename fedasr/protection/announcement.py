"""Charges training in silos before it is asked for, and tells what else was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fedasr.common.errors import RowError
from fedasr.messages.kinds import Kind
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.releases import Charge, Releases


@dataclass(frozen=True)
class Announcement:
    """Charges training in silos before it is asked for: their noise is drawn where it cannot be written down first.

    Parameters
    ----------
    releases : Releases
    plan : GradientPlan
        Of the silos' training; where it promises nothing, nothing is charged.
    local_steps : int
        The row's; how many are behind a message is its kind's to say.
    """

    releases: Releases
    plan: GradientPlan
    local_steps: int

    def __call__(self, round: int, asked: Sequence[tuple[int, Kind]]) -> None:
        """Charge a round: as many steps as the silo takes that is asked for most.

        Parameters
        ----------
        round : int
        asked : sequence of tuple
            The silo and the kind of each message.

        Raises
        ------
        RowError
            For messages whose training is not accounted for, and where the noise cannot be planned.
        """
        guarantee = self.plan.guarantee
        if guarantee is None:
            return
        steps = self._most_steps(asked)
        if self.releases.promised is None:
            self.releases.promise(guarantee.promise, guarantee.sampling, guarantee.trust)
        assert self.releases.promised is not None
        if (unit := self.releases.promised.unit) != guarantee.unit:
            raise RowError(f"the row promises privacy to a {unit} already; set protection = 'none'")
        self.releases.announce(f"round.{round}", Charge(guarantee.mechanism, steps))

    def answered(self, answered: Sequence[tuple[int, Kind]]) -> None:
        """Have it noted what was answered and is not paid for yet, before anybody is given the replies.

        Parameters
        ----------
        answered : sequence of tuple
            The silo and the kind of each message.
        """
        is_protected = self.plan.has_guarantee
        self.releases.note_answered([
            (silo, kind) for silo, kind in answered if not (kind.is_free or (is_protected and is_charged(kind)))
        ])  # fmt: skip

    def _most_steps(self, asked: Sequence[tuple[int, Kind]]) -> int:
        steps: Counter[int] = Counter()
        for silo, kind in asked:
            known = kind.steps_behind(self.local_steps)
            if known is None:
                raise RowError(f"protection is for messages that say how many steps they take, not {kind.name}")
            steps[silo] += known
        return max(steps.values())


def is_charged(kind: Kind) -> bool:
    """Return whether a protection of the training pays for all that a kind of message tells."""
    return kind.trains and not kind.unpaid
