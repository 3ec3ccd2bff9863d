"""Clipping of what leaves a silo: the change that its reply carries is cut before it is encoded and sent."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.common.files import Arrays
from fedasr.protection.clipping.bounds import NO_LAYERS, Bounds
from fedasr.protection.clipping.cut import array_norms, cut_arrays
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.none import Unprotected
from fedasr.protection.step import Dice, Step
from fedasr.training.learner import Learner


@dataclass(frozen=True)
class SiloClipping(GradientPlan):
    """Plain training whose outcome is cut: no silo's reply differs from what it was sent by more than a bound.

    Sensitivity. Of the sum of the replies' changes, every silo counted alike: C = ``clip_norm`` where a silo is added
    or removed, 2C where it is replaced, whatever its speech and however many steps it took; with weights, as many
    times as the silo counts. Without noise nothing is promised: no ε, and nothing reaches the ledger.

    =============================  ==============================================================================
    a model                        its distance from the model that was sent is cut, and rounded to the model's
                                   type towards that: it is never farther, but where the server's type is wider
    a change, gradient, variate    is one already, of something that the silo keeps or was sent: cut as it is
    several records                one vector; what a strategy makes of a change (FedNova's multiplies it by how
                                   far steps reach) is not bounded
    C infinite                     plain training to the bit, and the norm is taken all the same
    the norm is not finite         the silo is refused and counts as one that did not come, as in plain training
    a codec that loses something   the bound is of what the codec is handed; what arrives may be longer, with or
                                   without a residual (`int8`, three rounds: 1.1 and 1.5 times what was handed over)
    votes, speech, targets         are no changes: as ever
    personal layers and models,    stay in the silo and are not bounded; what it keeps goes by its training, not by
    moments, variates, teachers    what is left of it, so that SCAFFOLD's and FedDyn's sums no longer add up
    =============================  ==============================================================================

    Parameters
    ----------
    clip_norm : float
        C, the largest L2 norm of all arrays of a reply together.
    layer_bounds : str
        A key of `fedasr.protection.clipping.bounds.SPLITS`: each array is cut by itself, to a share of C by its size
        or an equal one, √ΣC_l² = C; or ``"none"``, which cuts all together.
    """

    clip_norm: float
    layer_bounds: str = NO_LAYERS

    @property
    def guarantee(self) -> None:
        """Nothing is promised."""
        return None

    def gradients(self, learner: Learner, dice: Dice) -> Generator[Step, None, None]:
        """Yield plain gradients."""
        return Unprotected().gradients(learner, dice)

    def bounded(self, reply: Arrays, sent: Arrays) -> Arrays:
        """Return the arrays of a reply with their change cut.

        Raises
        ------
        RowError
            Where the norm of the change is not finite, and for arrays of whole numbers, which have no shorter change.
        """
        for name, array in reply.items():
            if array.dtype.kind != "f":
                raise RowError(f"'{name}' is {array.dtype}, which cannot be cut; leave protection = 'clipping' out")
        changes = {
            name: np.subtract(array, sent[name], dtype=np.float64) if name in sent else array
            for name, array in reply.items()
        }
        bounds = Bounds.divided({name: array.size for name, array in reply.items()}, self.clip_norm, self.layer_bounds)
        norms = array_norms(changes, bounds)
        if not all(map(math.isfinite, norms)):
            raise RowError("the norm of its change is not finite")
        kept = cut_arrays(changes, bounds, norms)
        zero = np.zeros((), np.float64)
        return {name: _moved(array, sent.get(name, zero), changes[name], kept[name]) for name, array in reply.items()}


def _moved(
    array: NDArray[Any], sent: NDArray[Any], change: NDArray[Any], kept: NDArray[Any]
) -> NDArray[Any]:  # fmt: skip
    """Return what was sent, moved by what is kept of a change, in the array's type; where all is kept the array."""
    near = np.asarray(np.add(sent, kept, dtype=np.float64), array.dtype)
    is_beyond = np.abs(np.subtract(near, sent, dtype=np.float64)) > np.abs(kept)
    return np.where(kept == change, array, np.where(is_beyond, np.nextafter(near, np.asarray(sent, array.dtype)), near))
