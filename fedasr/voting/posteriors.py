"""Means of teachers' posteriors on a public grid, with noise at the centre or at each teacher.

Noise at the centre: vectors of probabilities are put on the grid, rounded down, and so are vectors of
non-negative numbers with a sum of at most 1 still: two of them are √2 apart at most. Their sum is exact, and the
Gaussian rounded to the grid is added once: the real mechanism's output, rounded.

Noise at the teachers: each adds the rounded Gaussian to its own vector, which is the real mechanism's output, rounded,
for whoever sees that vector. For whoever sees the sum alone: with s = σ/g, the density of N(0, s²) + U, U uniform on
(−½, ½), is at whole numbers the law of the rounded Gaussian, so its Fourier series is the transform
e^(−2π²s²ω²) sinc(ω) summed over ω + j (Poisson). The n-th power of that and the series of N(0, ns²) + U₁ + … + Uₙ
at whole numbers differ by less than (n + 1)·2.1·e^(−π²s²/2). The latter is the law of N(0, ns²) + U₁ + … + Uₙ₋₁,
rounded: the real mechanism's output with more independent noise, rounded. So the mean has the ε of the Gaussian of
variance nσ², but for a total variation below 2⁻⁴⁰⁰⁰⁰⁰ a number at s ≥ 2⁸ and for the ends (beyond 2³¹ steps:
below 2⁻²⁹⁰⁰ where s ≤ 2²⁵).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.privacy.noise import Noise
from fedasr.privacy.noise_grid import NoiseGrid

LEAST_PLACES, MOST_PLACES = 8, 25
"""Of the noise that teachers add: so that the sum of rounded noises is rounded noise, and fits in 32 bits."""
LARGEST_STEP = 2**31 - 1


def probabilities(answers: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return vectors of probabilities, along the last axis, whatever was sent.

    What is no number counts 0, what is below 0 or above 1 those, and a vector whose sum is above 1 is divided by it.
    """
    found = np.clip(np.nan_to_num(np.asarray(answers, np.float64), nan=0.0, posinf=0.0, neginf=0.0), 0.0, 1.0)
    return np.asarray(found / np.maximum(found.sum(-1, keepdims=True), 1.0))


def noisy_mean(answers_NVC: NDArray[np.generic], sigma: float, teachers: int, noise: Noise) -> NDArray[np.float64]:
    """Return the mean of posteriors with noise of standard deviation `sigma`, shape (questions, classes).

    Parameters
    ----------
    answers_NVC : ndarray
        What teachers sent; `probabilities` are made of it.
    sigma : float
    teachers : int
        The public number that the sum is divided by.
    noise : Noise
    """
    probabilities_NVC = probabilities(answers_NVC)
    if sigma == 0:
        return np.asarray(probabilities_NVC.sum(0) / teachers)
    grid = NoiseGrid.fine_enough(sigma * teachers, 1.0, answers_NVC.shape[2], max(len(answers_NVC), 1))
    return grid.noisy(grid.towards_zero(probabilities_NVC).sum(0), noise) / teachers


def noisy_steps(posteriors_VC: NDArray[np.floating], sigma: float, noise: Noise) -> NDArray[np.int32]:
    """Return a teacher's posteriors with its own noise, in steps of `grid_at_teachers`."""
    grid = grid_at_teachers(sigma, posteriors_VC.shape[1])
    steps = grid.towards_zero(probabilities(posteriors_VC)).astype(np.int64)
    noisy = steps + noise.rounded_normal(steps.shape, grid.places)
    return np.asarray(np.clip(noisy, -LARGEST_STEP, LARGEST_STEP), np.int32)


def mean_of_steps(answers_NVC: NDArray[np.generic], sigma: float, teachers: int) -> NDArray[np.float64]:
    """Return the mean of what teachers sent with their own noise, in steps."""
    grid = grid_at_teachers(sigma, answers_NVC.shape[2])
    return np.asarray(answers_NVC.sum(0, dtype=np.int64) * (grid.step / teachers))


def grid_at_teachers(sigma: float, classes: int) -> NoiseGrid:
    """Return the grid of the noise that each teacher adds itself.

    Raises
    ------
    RowError
        Where the noise is so large that 32 bits hold no step that is fine enough.
    """
    found = NoiseGrid.fine_enough(sigma, 1.0, classes)
    if found.places > MOST_PLACES:
        raise RowError(
            f"teachers' noise of {sigma:g} on {classes} classes needs more than 32 bits; add it at the server"
        )
    return NoiseGrid(sigma, max(found.places, LEAST_PLACES))
