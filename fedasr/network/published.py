"""Published speed-ups, and a model of them fitted on few workers that predicts many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

SOURCE = (
    "BMUF and 1-bit SGD, a 2,600 h LSTM: the figure in CNTK's documentation; "
    "Chen and Huo, Scalable training by blockwise model-update filtering, ICASSP 2016"
)
PUBLISHED: Mapping[str, Mapping[int, float]] = {
    "BMUF": {4: 3.69, 8: 6.92, 16: 13.75, 32: 25.46, 64: 43.65},
    "1-bit SGD": {4: 2.85, 8: 5.38, 16: 7.98},
}
"""Average speed-up over one GPU, by method and GPUs."""
FITTED_ON = (4, 8)


@dataclass(frozen=True)
class Calibration:
    """Constants of ``speed-up(N) = N / (1 + overhead(N))``.

    ``overhead(N) = wait_per_doubling · log2(N) + exchange[method] · 2(N−1)/N``, both in units of a
    worker's compute between two exchanges. The first term is the barrier: one more stage, and one more
    chance of a slow worker, with each doubling; both methods ran on the same machines and share it.
    The second is the exchange itself, whose bytes for each worker grow as in an all-reduce.

    Attributes
    ----------
    wait_per_doubling : float
    exchange : mapping of str to float
    """

    wait_per_doubling: float
    exchange: Mapping[str, float]

    def overhead(self, method: str, workers: int) -> float:
        """Return the time lost, in units of the compute time."""
        terms = _terms(method, workers)
        return float(terms @ [self.wait_per_doubling, *(self.exchange[m] for m in PUBLISHED)])

    def speedup(self, method: str, workers: int) -> float:
        """Return the predicted speed-up over one worker."""
        return workers / (1 + self.overhead(method, workers))


@dataclass(frozen=True)
class Prediction:
    """A predicted speed-up beside the published one.

    Attributes
    ----------
    method : str
    workers : int
    published, predicted : float
    error : float
        Relative to what is published.
    fitted : bool
        Whether the constants were fitted on this point.
    """

    method: str
    workers: int
    published: float
    predicted: float
    error: float
    fitted: bool


def _terms(method: str, workers: int) -> NDArray[np.float64]:
    ring = 2 * (workers - 1) / workers
    return np.array([np.log2(workers), *(ring * (method == m) for m in PUBLISHED)])


def fit(speedups: Mapping[str, Mapping[int, float]]) -> Calibration:
    """Fit the constants, none below zero, by least squares on the overheads of all points given."""
    points = [(method, workers) for method, curve in speedups.items() for workers in curve]
    terms = np.array([_terms(*point) for point in points])
    overheads = np.array([workers / speedups[method][workers] - 1 for method, workers in points])
    wait, *exchange = _non_negative(terms, overheads).tolist()
    return Calibration(wait, dict(zip(PUBLISHED, exchange, strict=True)))


@cache
def calibration() -> Calibration:
    """Return the constants fitted on 4 and 8 workers of both methods, and on nothing else."""
    return fit({method: {n: curve[n] for n in FITTED_ON} for method, curve in PUBLISHED.items()})


def prediction_table() -> tuple[Prediction, ...]:
    """Return the prediction beside the publication at every published point."""
    model = calibration()
    return tuple(
        Prediction(m, n, s, p := model.speedup(m, n), p / s - 1, n in FITTED_ON)
        for m, curve in PUBLISHED.items()
        for n, s in curve.items()
    )


def mean_absolute_error() -> float:
    """Return the mean absolute relative error at the points that the constants were not fitted on."""
    return float(np.mean([abs(p.error) for p in prediction_table() if not p.fitted]))


def _non_negative(terms: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least-squares solution without negative entries: the best over all sets of active terms."""
    count = terms.shape[1]
    best, least = np.zeros(count), float(wanted @ wanted)
    for size in range(1, count + 1):
        for active in map(list, combinations(range(count), size)):
            found = np.linalg.lstsq(terms[:, active], wanted, rcond=None)[0]
            error = float(((terms[:, active] @ found - wanted) ** 2).sum())
            if (found >= 0).all() and error < least:
                best, least = np.zeros(count), error
                best[active] = found
    return best
