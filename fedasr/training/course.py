"""How long a central training goes on, and where it can be stopped."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from fedasr.training.taken import Taken


@dataclass(frozen=True)
class Course:
    """The steps of a training, divided into stretches; after each there is something to go on from.

    Parameters
    ----------
    ends : tuple of int
        The steps done at the end of each stretch, rising.
    share : float
        How often a stretch is expected to read each example, on average by seconds.
    taken : Taken, optional
        The gradients that a stretch is expected to take; by default those of that share of the examples.
    """

    ends: tuple[int, ...]
    share: float = 1.0
    taken: Taken | None = None

    @classmethod
    def of_passes(cls, passes: int, steps: int) -> Course:
        """Return so many passes over all examples, each a stretch of so many steps."""
        return cls(tuple(steps * number for number in range(1, passes + 1)))

    @property
    def steps(self) -> int:
        """All steps together."""
        return self.ends[-1] if self.ends else 0

    def stretch(self, number: int) -> tuple[int, int]:
        """Return the steps done before and after a stretch; the first is 0."""
        return list(itertools.pairwise((0, *self.ends)))[number]
