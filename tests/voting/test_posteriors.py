"""Means of posteriors on a grid: nothing is enlarged, and teachers' rounded noises add up to what is charged."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm
from support.tolerance import of_a_deviation

from fedasr.common.errors import RowError
from fedasr.privacy.noise import Noise, ReproducibleNoise
from fedasr.voting.posteriors import LEAST_PLACES, grid_at_teachers, mean_of_steps, noisy_mean, noisy_steps

anything = st.floats(-2, 2) | st.sampled_from([math.nan, math.inf, -math.inf, 1e30])


class Silent(Noise):
    """No noise."""

    def rounded_normal(self, shape: int | tuple[int, ...], places: int) -> NDArray[np.int64]:
        return np.zeros(shape, np.int64)


@given(sent=arrays(np.float64, (2, 1, 7), elements=anything), sigma=st.floats(1e-4, 1e3))
def test_a_teacher_moves_what_it_adds_noise_to_by_the_sensitivity_at_most(sent: np.ndarray, sigma: float) -> None:
    step = Fraction(grid_at_teachers(sigma, 7).step)
    one, other = (noisy_steps(each, sigma, Silent()).astype(np.int64)[0].tolist() for each in sent)
    assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) * step**2 <= 2
    assert sum(a**2 for a in one) * step**2 <= 1


@given(sent=arrays(np.float64, (3, 2, 5), elements=anything), sigma=st.floats(1e-4, 1e3))
def test_on_the_grid_a_mean_is_what_it_was_but_for_a_thousandth(sent: np.ndarray, sigma: float) -> None:
    exact, found = noisy_mean(sent, 0.0, 3, Silent()), noisy_mean(sent, sigma, 3, Silent())
    assert (found <= exact + 1e-12).all()
    assert np.abs(exact - found).max() < 2e-3


def test_teachers_noises_add_up_to_that_of_the_mean() -> None:
    each = [noisy_steps(np.full((4000, 3), 1 / 3), 2.0, ReproducibleNoise(seed)) for seed in range(5)]
    mean = mean_of_steps(np.array(each), 2.0, 5)
    assert mean.std() == pytest.approx(2.0 / math.sqrt(5), rel=of_a_deviation(mean.size))
    assert mean.mean() == pytest.approx(1 / 3, abs=6 * 2.0 / math.sqrt(5 * mean.size))


def _rounded(scale: float, most: int = 60) -> NDArray[np.float64]:
    """Return the law of a rounded Gaussian at the whole numbers up to `most`."""
    at = np.arange(-most, most + 1)
    return np.asarray(norm.cdf((at + 0.5) / scale) - norm.cdf((at - 0.5) / scale))


def _with_uniform_noise(scale: float, teachers: int, at: int) -> float:
    """Return the chance that N(0, ns²) and n − 1 uniform numbers add up to a number, rounded."""
    wide = scale * math.sqrt(teachers)

    def cell(u: float) -> float:
        weight = 1.0 if teachers == 2 else 1 - abs(u)
        return weight * float(norm.cdf((at + 0.5 - u) / wide) - norm.cdf((at - 0.5 - u) / wide))

    reach = (teachers - 1) / 2
    return float(quad(cell, -reach, 0, epsabs=1e-13)[0] + quad(cell, 0, reach, epsabs=1e-13)[0])


@pytest.mark.parametrize("teachers", [2, 3])
@pytest.mark.parametrize("scale", [0.5, 0.7, 1.0, 1.5, 2.5])
def test_a_sum_of_rounded_noises_is_a_rounded_sum_with_more_noise_but_for_the_bound(
    teachers: int, scale: float
) -> None:
    summed = _rounded(scale)
    for _ in range(teachers - 1):
        summed = np.convolve(summed, _rounded(scale))
    middle = len(summed) // 2
    apart = max(abs(summed[middle + at] - _with_uniform_noise(scale, teachers, at)) for at in range(-6, 7))
    bound = (teachers + 1) * 2.1 * math.exp(-(math.pi**2) * scale**2 / 2)
    assert apart <= bound + 1e-11
    if scale == 0.5:
        assert apart > 1e-4, "at a coarse grid they are not the same"


@pytest.mark.parametrize("teachers", [1, 3, 6])
@pytest.mark.parametrize("shift", [1, 5, 12])
def test_a_sum_of_rounded_noises_hides_what_the_gaussian_does(teachers: int, shift: int) -> None:
    """Hockey-stick divergences of the sum's law, added up, against the Gaussian's own formula."""
    scale, law = 4.0, np.ones(1)
    for _ in range(teachers):
        law = np.convolve(law, _rounded(scale))
    one, other = np.pad(law, (shift, 0)), np.pad(law, (0, shift))
    mu = shift / (scale * math.sqrt(teachers))
    for epsilon in (0.1, 0.5, 1.0, 3.0):
        charged = norm.cdf(-epsilon / mu + mu / 2) - math.exp(epsilon) * norm.cdf(-epsilon / mu - mu / 2)
        assert np.maximum(one - math.exp(epsilon) * other, 0).sum() <= charged + 1e-12


def test_noise_at_teachers_is_never_coarse_and_fits_in_its_bits() -> None:
    assert grid_at_teachers(1e-6, 5).places == LEAST_PLACES
    with pytest.raises(RowError, match="add it at the server"):
        grid_at_teachers(1e5, 1000)
