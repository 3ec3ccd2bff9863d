"""Gaussian releases composed exactly: golden values, other routes, and analysts who stop when they have seen enough."""

from __future__ import annotations

import itertools
import math

import dp_accounting
import mpmath as mp
import numpy as np
import pytest
from dp_accounting.pld import PLDAccountant
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtr
from support.draws import examples

from fedasr.privacy.accounting.calibration import noise_for
from fedasr.privacy.accounting.exact import gaussian_epsilon, gaussian_log_delta, largest_mu
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.allowances import GaussianBudget
from fedasr.privacy.mechanisms.gaussian import GaussianSum

GOLDEN = [
    (0.1, 0.0325), (0.5, 0.1422), (1.0, 0.2681), (2.0, 0.5016), (4.0, 0.9249), (8.0, 1.6660), (16.0, 2.9055),
    (32.0, 4.8796),
]  # fmt: skip


@pytest.mark.parametrize(("epsilon", "mu"), GOLDEN)
def test_the_largest_parameter_of_a_target(epsilon: float, mu: float) -> None:
    found = largest_mu(epsilon, 1e-5)
    assert found == pytest.approx(mu, abs=1e-4)
    assert epsilon * (1 - 1e-9) <= gaussian_epsilon(found, 1e-5) <= epsilon


def test_votes_need_an_eighth_less_noise() -> None:
    assert noise_for("gnmax", 2361, 8.0, 1e-5) == pytest.approx(41.25, abs=0.01)
    assert noise_for("gnmax", 2361, 8.0, 1e-5, conversion="classic") == pytest.approx(47.44, abs=0.01)


@given(st.floats(1e-3, 40), st.floats(0, 200))
@examples(60)
def test_delta_is_never_below_the_hockey_stick_in_many_digits(mu: float, epsilon: float) -> None:
    with mp.workdps(60):
        low, high = mp.mpf(mu) / 2 - mp.mpf(epsilon) / mu, -mp.mpf(mu) / 2 - mp.mpf(epsilon) / mu
        exact = mp.log(mp.ncdf(low) - mp.exp(epsilon) * mp.ncdf(high))
    found = gaussian_log_delta(mu, epsilon)
    assert exact <= found <= exact * (1 - 4e-15) + 2e-9


@given(st.lists(st.floats(0.05, 3), min_size=1, max_size=6), st.sampled_from([1e-3, 1e-5, 1e-9]))
@examples(40)
def test_a_chain_is_never_below_the_divergence_of_its_losses(mus: list[float], delta: float) -> None:
    """By another route: the privacy loss of a chain is Gaussian, of mean Σμ²/2 and variance Σμ²; integrated."""
    chain = tuple((GaussianSum(1 / mu), 1) for mu in mus)
    promise = Promise("silo", "add-remove", delta, chain)
    variance = math.fsum(mu**2 for mu in mus)
    loss = variance / 2 + math.sqrt(variance) * np.linspace(-12, 12, 400_001)
    density = np.exp(-((loss - variance / 2) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    over = np.maximum(-np.expm1(promise.epsilon - loss), 0) * density
    found = float(over.sum() * (loss[1] - loss[0]))
    assert found <= delta * (1 + 1e-4)
    if promise.epsilon:
        assert found >= delta * (1 - 1e-3)
    assert promise.bound == "exact"


@pytest.mark.parametrize(("delta", "exact"), [(1e-16, 13.899778514470118), (1e-20, 15.5666129803925)])
def test_a_small_delta_hides_nothing(delta: float, exact: float) -> None:
    """Privacy-loss distributions say infinity there; it used to be printed."""
    promise = Promise("silo", "add-remove", delta, ((GaussianSum(2.0), 10),))
    assert promise.epsilon == pytest.approx(exact, rel=1e-9)
    assert exact <= promise.epsilon <= promise.bounds["rdp"]


@pytest.mark.parametrize(("mu", "count"), [(0.3, 100), (1.0, 3), (0.05, 1000)])
def test_it_is_dp_accountings_within_the_step_of_its_grid(mu: float, count: int) -> None:
    accountant = PLDAccountant(dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE, 1e-3)
    accountant.compose(dp_accounting.GaussianDpEvent(1 / mu), count)
    theirs = accountant.get_epsilon(1e-5)
    found = gaussian_epsilon(mu * math.sqrt(count), 1e-5)
    assert theirs - 1e-3 <= found <= theirs + 1e-9


@pytest.mark.parametrize(("mu", "most"), [(0.3, 100), (0.5, 36)])
@pytest.mark.parametrize("margin", [0.0, 0.5, 1.5])
def test_whoever_stops_when_the_loss_is_large_exceeds_no_promise(mu: float, most: int, margin: float) -> None:
    """An analyst stops at the first count at which the loss exceeds what would be printed for it.

    The promise was fixed in advance and is kept. An ε that is read off the realised count, the figure `epsilon_spent`,
    is not: it is no guarantee.
    """
    promised = [gaussian_epsilon(mu * math.sqrt(most), 1e-5)] * most
    realised = [gaussian_epsilon(mu * math.sqrt(count), 1e-5) for count in range(1, most + 1)]
    assert _delta_of_stopping(mu, promised, margin) <= 1e-5 * 1.02
    if margin:
        assert _delta_of_stopping(mu, realised, margin) > 1.5e-5


def test_a_budget_that_is_spent_as_the_answers_please_is_its_allowance() -> None:
    """A walk whose next step depends on the loss so far, within Σμ² ≤ 1: δ is at most that of one Gaussian of μ = 1."""
    epsilon = Promise("silo", "add-remove", 1e-5, ((GaussianBudget(1.0), 1),)).epsilon
    steps, cell = 16, 0.02
    loss = np.arange(-8, 12, cell)
    kernels = {share: _kernel(math.sqrt(share / steps), loss, cell) for share in (1, 4)}
    # The state: how much of the budget is left, and the loss; where it is large, fewer and larger steps are taken.
    states = {steps: np.where(np.arange(len(loss)) == np.argmin(abs(loss)), 1.0, 0.0)}
    total = np.zeros_like(loss)
    for left in range(steps, 0, -1):
        mass = states.pop(left, None)
        if mass is None:
            continue
        bold = (loss > 0.5) & (left >= 4)
        for part, share in ((mass * bold, 4), (mass * ~bold, 1)):
            moved = np.convolve(part, kernels[share], "same")
            states[left - share] = states.get(left - share, 0) + moved
    total = states[0]
    assert float((total * np.maximum(-np.expm1(epsilon - loss), 0)).sum()) <= 1e-5 * 1.05


def _kernel(mu: float, loss: NDArray[np.float64], cell: float) -> NDArray[np.float64]:
    """Return the distribution of one step's loss on a grid: N(μ²/2, μ²)."""
    half = int(8 * mu / cell) + 2
    at = np.arange(-half, half + 1) * cell
    return np.asarray(ndtr((at + cell / 2 - mu**2 / 2) / mu) - ndtr((at - cell / 2 - mu**2 / 2) / mu))


def _delta_of_stopping(mu: float, printed: list[float], margin: float) -> float:
    """Return δ of the ε printed at the count at which it was stopped, by dynamic programming on the loss."""
    cell, most = mu / 8, len(printed)
    loss = np.arange(-9 * mu * math.sqrt(most), 10 * mu * math.sqrt(most) + most * mu**2 / 2, cell)
    kernel = _kernel(mu, loss, cell)
    mass = np.where(np.arange(len(loss)) == np.argmin(abs(loss)), 1.0, 0.0)
    total = 0.0
    for count, epsilon in enumerate(printed, 1):
        mass = np.convolve(mass, kernel, "same")
        stops = loss > epsilon + margin if count < most else np.ones(len(loss), bool)
        total += float((mass * np.maximum(-np.expm1(epsilon - loss), 0))[stops].sum())
        mass = np.where(stops, 0.0, mass)
    return total


@pytest.mark.parametrize("epsilon", [0.0, 1e-9, 5.0])
def test_edges(epsilon: float) -> None:
    assert gaussian_log_delta(0.0, epsilon) == -math.inf
    assert gaussian_log_delta(math.inf, epsilon) == 0.0
    assert gaussian_epsilon(0.0, 1e-5) == 0.0
    assert gaussian_epsilon(math.inf, 1e-5) == math.inf
    assert gaussian_epsilon(1e-9, 1e-5) == 0.0, "two distributions so alike are told apart less often than that"
    pairs = itertools.pairwise(gaussian_epsilon(mu, 1e-5) for mu in (1e-4, 1e-3, 0.1, 1.0, 50.0))
    assert all(less < more for less, more in pairs)
