"""How far one utterance moves a step's sum of cut gradients, and what that does not promise.

The sum is that over groups, before their public weights (a group's share of the batch). A group's gradient is that of
the mean of its losses. Slots of the batch are fixed: who stands in another slot does not change.

======================  ================  ============  ===============================================
groups                  added or removed  replaced      why
======================  ================  ============  ===============================================
of one utterance, silo  S                 2S            from nothing to at most S; from one to another
of two and more         2S                2S            the group's mean turns, whoever else is in it
bound of private data   none              none          one utterance moves the bound of all groups
======================  ================  ============  ===============================================

S is the largest norm of a group's part: C, or √ΣC_l² where blocks of parameters are cut by themselves. A gradient
that is not finite counts zero, which is within all of these. Norms, factors and sums are of float64; the gradient that
leaves is rounded to float32.

What is not promised. Without noise no ε: whoever knows the other gradients reads this one off the sum. Nor does the
sensitivity hold for a whole training: batches are made of utterances of like length, so one more or less moves others
to other groups and batches, and later steps start from other weights. It is a statement on one step of a fixed batch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from fedasr.protection.clipping.granularity import CutUnit
from fedasr.protection.clipping.rule import BoundRule

NO_EPSILON = "no ε: without noise nothing is promised"


class Sensitivity(NamedTuple):
    """The largest L2 norm by which one utterance changes the sum over groups, where its slot is fixed."""

    add_remove: float
    replace_one: float

    @classmethod
    def of(cls, bound: float, is_alone: bool) -> Sensitivity:
        """Return that of groups of one utterance, or of more.

        Parameters
        ----------
        bound : float
            The largest norm of a group's part: `fedasr.protection.clipping.bounds.Bounds.sensitivity`.
        is_alone : bool
            Whether every group is one utterance.
        """
        return cls(bound if is_alone else 2 * bound, 2 * bound)


def in_words(unit: CutUnit, rule: BoundRule) -> str:
    """Return what is cut, at which bound, how far one utterance (or silo) moves a sum, and that nothing is promised."""
    cut = f"per {unit.said} at {rule.said()}"
    if not rule.is_public:
        return f"{cut} (which private speech moves, so no sensitivity is bounded); {NO_EPSILON}"
    if rule.known == math.inf:
        return f"{cut} (nothing is cut, so no sensitivity is bounded); {NO_EPSILON}"
    factors = Sensitivity.of(1.0, unit.is_alone)
    told = [f"{times:g} × {rule.length}" if rule.known is None else f"{times * rule.known:g}" for times in factors]
    both = (
        f"{told[0]} added or removed, {told[1]} replaced" if unit.is_alone else f"{told[0]} added, removed or replaced"
    )
    return f"{cut} (sensitivity of {unit.total}: {both}); {NO_EPSILON}"
