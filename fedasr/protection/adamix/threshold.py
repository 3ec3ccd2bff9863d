"""The norm to which a step clips private gradients."""

from __future__ import annotations

import math

from torch import Tensor

from fedasr.protection.clipping.rule import BoundRule

SMALLEST = 1e-12
"""The squares of shorter gradients vanish, so that their norms would not be known."""


def threshold_of(rule: BoundRule, norms_B: Tensor) -> float:
    """Return the threshold that a rule takes from the norms of public gradients.

    ==========================  =====================================================
    norms of 0, not finite      have no part in a quantile
    there is no other           0: the step learns nothing private and reveals nothing
    below `SMALLEST`            0
    ==========================  =====================================================

    Parameters
    ----------
    rule : BoundRule
    norms_B : Tensor of float64
        Private norms have no part in it.
    """
    (found,) = rule.of_stretch(rule.blocks({}), lambda bounds: [norms_B]).values
    is_found = rule.known is not None or math.isfinite(found)
    return found if is_found and found >= SMALLEST else 0.0
