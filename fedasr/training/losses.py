"""Mean losses over what has one: a transcript that no path through its audio can say is nobody's loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser


def mean_loss_of(losses_B: Tensor, recogniser: Recogniser, batch: Batch) -> float:
    """Return the mean over the utterances that the recogniser could learn; NaN where there is none.

    Parameters
    ----------
    losses_B : Tensor
        One an utterance; what cannot be learnt counts zero in it.
    recogniser : Recogniser
    batch : Batch
    """
    fits_B = recogniser.fits(batch)
    told_B = losses_B.detach()
    return float((told_B if bool(fits_B.all()) else told_B[fits_B.to(told_B.device)]).mean())


def mean_of_known(losses: Iterable[float | None]) -> float:
    """Return the mean of the losses that are numbers; NaN where none is."""
    known = [loss for loss in losses if loss is not None and not math.isnan(loss)]
    return float(np.mean(known)) if known else math.nan


def weighted_mean_of_known(losses: Sequence[float], shares: Sequence[float]) -> float:
    """Return the mean of the losses that are numbers, by shares that sum to one over all; NaN where none is."""
    known = [(share, loss) for share, loss in zip(shares, losses, strict=True) if not math.isnan(loss)]
    if not known:
        return math.nan
    mean = sum(share * loss for share, loss in known)
    return mean if len(known) == len(losses) else mean / sum(share for share, _ in known)


def number_or_none(loss: float) -> float | None:
    """Return a loss as it is written down: nothing where it is not a number, or infinite."""
    return loss if math.isfinite(loss) else None
