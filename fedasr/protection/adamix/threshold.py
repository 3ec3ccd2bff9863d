"""The norm to which a step clips private gradients."""

from __future__ import annotations

from torch import Tensor

from fedasr.protection.clipping.rule import BoundRule

SMALLEST = 1e-12
"""The squares of shorter gradients vanish, so that their norms would not be known."""


def threshold_of(rule: BoundRule, norms_B: Tensor) -> float:
    """Return the threshold that a rule takes from the norms of public gradients.

    ==========================  =====================================================
    no norm is finite           0: the step learns nothing private and reveals nothing
    below `SMALLEST`            0
    ==========================  =====================================================

    Parameters
    ----------
    rule : BoundRule
    norms_B : Tensor of float64
        Private norms have no part in it.
    """
    (found,) = rule.of_stretch(rule.blocks({}), lambda bounds: [norms_B]).values
    return found if found >= SMALLEST else 0.0
