"""How the log of a pooled error rate scatters: with who is tested, and with what was trained.

A pooled rate R = Σe / Σw is linear in small changes of its parts: speaker s of training k moves log R by its
*influence* u[k, s] = (e[k, s] − R w[k, s]) / Σe (the delta method). That of a ratio of two rates is the difference of
two. All variances here are of sums of influences, so of log R itself. R holds every speaker's own errors, so with few
speakers their influences look too small: their variance is raised as the jackknife's is, by S / (S − 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.comparison.model_errors import Training

Influence = NDArray[np.float64]
"""Of one training: how much each of its speakers moves the log of the rate; float64, shape (speakers,)."""


@dataclass(frozen=True)
class Scatter:
    """The variance of a log rate, estimated in two ways, and what both have in common.

    Attributes
    ----------
    speakers, speakers_freedom : float
        From the speakers' sums over trainings: sees all variance but that of training. Degrees of freedom.
    trainings, trainings_freedom : float
        From the trainings' sums over speakers; 0 and 0 with one training.
    rest : float
        What `trainings` is expected to be where training adds nothing.
    """

    speakers: float
    speakers_freedom: float
    trainings: float = 0.0
    trainings_freedom: float = 0.0
    rest: float = 0.0


def influences(parts: Sequence[Training]) -> list[Influence] | None:
    """Return the influences on the log of the pooled rate; None where no error or no word was counted."""
    errors, words = sum(float(part.errors.sum()) for part in parts), sum(float(part.words.sum()) for part in parts)
    if not errors or not words:
        return None
    return [(part.errors - errors / words * part.words) / errors for part in parts]


def scatter(parts: Sequence[Training], moved: Sequence[Influence]) -> Scatter | None:
    """Return the scatter of a log rate or ratio; None where it cannot be told.

    Who was tested by which training says which of three: the same speakers by all (seeds, or draws with a test set of
    their own: crossed), each by one (draws that are folds: nested), or some by several draws: then draws
    are no independent samples of the speakers, and their variance is widened as Nadeau and Bengio (2003) do.

    Parameters
    ----------
    parts : sequence of Training
    moved : sequence of ndarray
        The influences of each training's speakers.
    """
    names = [set(part.speakers) for part in parts]
    everybody = set[str]().union(*names)
    if len(everybody) < 2:
        return None
    if all(own == everybody for own in names):
        return _crossed(np.stack(moved))
    if sum(map(len, names)) == len(everybody):
        return _nested(moved)
    return _overlapping(parts, moved, len(everybody))


def _crossed(u: NDArray[np.float64]) -> Scatter:
    """Two-way analysis of variance without replication; u has the shape (trainings, speakers)."""
    trainings, speakers = u.shape
    by_speaker = _of_sums(u.sum(0)) * _raised(speakers)
    if trainings == 1:
        return Scatter(by_speaker, speakers - 1)
    by_training = _of_sums(u.sum(1))
    left = u - u.mean(0) - u.mean(1, keepdims=True) + u.mean()
    rest = trainings * speakers * float((left**2).sum()) / ((trainings - 1) * (speakers - 1))
    return Scatter(by_speaker, speakers - 1, by_training, trainings - 1, rest)


def _nested(moved: Sequence[Influence]) -> Scatter:
    """One-way analysis of variance: every training has speakers of its own."""
    counts = np.array([len(one) for one in moved])
    freedom = int((counts - 1).sum())
    within = sum(float((_centred(one) ** 2).sum()) for one in moved)
    count = int(counts.sum())
    speakers = count * within / freedom * _raised(count) if freedom else 0.0
    return Scatter(speakers, max(freedom, 1), _between(moved), len(moved) - 1, speakers)


def _overlapping(parts: Sequence[Training], moved: Sequence[Influence], everybody: int) -> Scatter | None:
    """Draws that share speakers: 1/D becomes 1/D + tested / trained, as one draw tests whom others train on."""
    if any(not part.training_speakers for part in parts):
        return None
    sums: dict[str, float] = {}
    for part, one in zip(parts, moved, strict=True):
        for name, value in zip(part.speakers, one.tolist(), strict=True):
            sums[name] = sums.get(name, 0.0) + value
    speakers = _of_sums(np.array(list(sums.values()))) * _raised(everybody)
    tested_a_trained = float(np.mean([len(part.speakers) / (part.training_speakers or 1) for part in parts]))
    widened = _between(moved) * (1 + len(parts) * tested_a_trained)
    return Scatter(speakers, everybody - 1, widened, len(parts) - 1, speakers)


def _between(moved: Sequence[Influence]) -> float:
    """Return the variance of a sum over trainings, from how their parts of it differ."""
    return _of_sums(np.array([float(one.sum()) for one in moved]))


def _of_sums(sums: NDArray[np.float64]) -> float:
    """Return the variance of the sum of independent parts, from how they differ."""
    return len(sums) / (len(sums) - 1) * float((_centred(sums) ** 2).sum())


def _raised(speakers: int) -> float:
    return speakers / (speakers - 1)


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = values - values.mean()
    return centred
