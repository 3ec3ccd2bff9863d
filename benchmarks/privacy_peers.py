"""fedasr's accountants against its peers': the same releases, the largest difference, and what was allowed.

    pip install prv-accountant
    git clone --depth 1 https://github.com/tensorflow/privacy ../tensorflow-privacy
    python benchmarks/privacy_peers.py --pate ../tensorflow-privacy/research/pate_2018

dp-accounting comes with fedasr; pate_2018 needs sympy. A peer that is not there is left out, and the table says so.
Where a peer gives another number, what is right is computed by integration or by trying all cases beside it.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dp_accounting
import numpy as np
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from scipy.stats import norm

from fedasr.privacy.accounting.conversion import INTEGER_ORDERS, epsilon_of
from fedasr.privacy.accounting.exact import gaussian_epsilon
from fedasr.privacy.accounting.losses import pld_epsilon
from fedasr.privacy.accounting.smooth import local_sensitivities
from fedasr.privacy.mechanisms.confident_max import ThresholdCheck
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax
from fedasr.privacy.mechanisms.smooth_release import SmoothRelease

DELTA, TEACHERS = 1e-5, 250
ORDERS = np.array([1.5, 2.0, 3.5, 8.0, 20.0, 32.0, 100.0])
CHAINS = ((0.004, 1.1, 1000), (0.01, 0.8, 500), (0.05, 1.0, 100), (0.2, 2.0, 50), (0.5, 4.0, 20), (1.0, 5.0, 10))
"""Sampling rate, noise multiplier, steps."""
Pairs = Iterable[tuple[float, float]]


@dataclass(frozen=True)
class Compared:
    """What a peer, or exact computation, and fedasr say of the same releases."""

    peer: str
    what: str
    cases: int
    difference: float
    allowed: float

    @property
    def agrees(self) -> bool:
        return self.difference <= self.allowed

    def __str__(self) -> str:
        told = f"| {self.peer} | {self.what} | {self.cases:,} | {self.difference:.1e} | {self.allowed:.0e} |"
        return told if self.agrees else f"{told} **differs**"


def compared(peer: str, what: str, pairs: Pairs, allowed: float, *, never_below: bool = False) -> Compared:
    """Return the largest relative difference of pairs of numbers (absolute, in units of 1e-9, below that)."""
    ours, theirs = np.array(list(pairs)).T
    apart = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-9)
    if never_below and np.any(ours < theirs * (1 - 1e-6)):
        apart = np.array([math.inf])
    return Compared(peer, what, len(ours), float(apart.max()), allowed)


def histograms() -> list[np.ndarray]:
    """Return votes of all teachers over 2 to 12 classes, from unanimous to evenly spread."""
    generator = np.random.default_rng(0)
    shares = [generator.dirichlet(np.full(classes, mean)) for classes in (2, 4, 12) for mean in (0.02, 0.1, 0.5, 3.0)]
    drawn = [generator.multinomial(TEACHERS, share) for share in shares for _ in range(8)]
    return [np.array([TEACHERS, 0, 0]), np.array([TEACHERS // 2, TEACHERS // 2]), *drawn]


def pate(folder: Path) -> Iterator[Compared]:
    """Compare what votes cost, how smooth that is and what its release costs with the authors' own code."""
    sys.path.insert(0, str(folder))
    core, smooth = importlib.import_module("core"), importlib.import_module("smooth_sensitivity")
    cases = list(itertools.product(histograms(), (5.0, 20.0, 40.0, 150.0)))

    def pure(log_q: float, scale: float, orders: np.ndarray) -> np.ndarray:
        return core.rdp_pure_eps(log_q, 2 / scale, orders)

    gaussian = _bounds(GNMax, core.compute_logq_gaussian, core.rdp_gaussian, cases)
    yield compared("pate_2018", "GNMax, Theorem 6", gaussian, 1e-8)
    laplace = _bounds(LNMax, core.compute_logq_laplace, pure, cases)
    yield compared("pate_2018", "LNMax, Theorem 3 (2017)", laplace, 1e-8)
    yield compared("pate_2018", "threshold check", _checks(core, cases), 1e-8)
    yield compared("pate_2018", "local sensitivities", _sensitivities(smooth), 1e-6)
    yield from _releases(smooth)


def _bounds(kind: Any, log_q_of: Callable[..., float], bound: Callable[..., Any], cases: Any) -> Pairs:
    for votes, noise in cases:
        ours = kind(noise).bound(kind(noise).log_q(votes[None]), ORDERS)[0]
        yield from zip(ours, bound(log_q_of(votes, noise), noise, ORDERS), strict=True)


def _checks(core: Any, cases: Any) -> Pairs:
    for (votes, sigma), threshold in itertools.product(cases, (100.0, 180.0)):
        check = ThresholdCheck(threshold, sigma)
        ours = check.bound(check.log_q(np.array([float(votes.max())])), ORDERS)[0]
        theirs = core.compute_rdp_threshold(core.compute_logpr_answered(threshold, sigma, votes), sigma, ORDERS)
        yield from zip(ours, theirs, strict=True)


def _sensitivities(smooth: Any) -> Pairs:
    for votes, sigma, order in itertools.product(histograms(), (20.0, 40.0), (3.0, 8.0)):
        ours = local_sensitivities(GNMax(sigma), votes[None], None, order, 1e-3)
        assert ours is not None
        theirs = smooth.compute_local_sensitivity_bounds_gnmax(votes, TEACHERS, sigma, order)
        yield from zip(ours, np.maximum.accumulate(theirs), strict=False)


def _releases(smooth: Any) -> Iterator[Compared]:
    """Compare the charge of a release with integration, and tell by how much the published one falls short of it."""
    integrated, published = [], []
    for order, share, sigma in itertools.product((2.0, 6.0, 32.0), (0.02, 0.1, 0.25, 0.3, 0.4), (2.0, 20.0)):
        made = SmoothRelease(order, share / order, sigma, failure=0.5)
        ours = float(made.rdp(np.array([order]), "replace-one")[0])
        integrated.append((ours, _integrated(made)))
        published.append(ours / smooth.compute_rdp_of_smooth_sensitivity_gaussian(made.beta, sigma, order))
    yield compared("integration", "release of a smooth statistic", integrated, 1e-6)
    short = sum(ratio > 1 for ratio in published)
    print(
        f"pate_2018, charge of such a release (Theorem 23): below the integrated one in {short} of {len(published)} "
        f"cases, up to {max(published):.2f} times", file=sys.stderr,
    )  # fmt: skip


def _integrated(made: SmoothRelease) -> float:
    """Return the largest divergence, both ways, over a grid of ratios and shifts, by integration."""
    ratios = np.exp(made.beta * np.linspace(-1, 1, 5))
    pairs = [((0.0, made.sigma), (side * min(1.0, r), made.sigma * r)) for r in ratios for side in (-1, 0, 1)]
    return max(_renyi(made.order, *pair) for here, there in pairs for pair in ((here, there), (there, here)))


def _renyi(order: float, first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the Rényi divergence of two Gaussians (mean, deviation) by a sum around the peak of its integrand."""
    precise = order / first[1] ** 2 + (1 - order) / second[1] ** 2
    peak = (order * first[0] / first[1] ** 2 + (1 - order) * second[0] / second[1] ** 2) / precise
    x = peak + np.linspace(-14, 14, 4001) / math.sqrt(precise)
    logs = order * norm.logpdf(x, *first) + (1 - order) * norm.logpdf(x, *second)
    return float(logs.max() + math.log(np.exp(logs - logs.max()).sum() * (x[1] - x[0]))) / (order - 1)


def dp_accountings() -> Iterator[Compared]:
    """Compare sampled Gaussians with Google's library."""
    rdp, pld = [], []
    for rate, noise, steps in CHAINS:
        event = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise))
        theirs = RdpAccountant(INTEGER_ORDERS).compose(event, steps).get_epsilon(DELTA)
        rdp.append((_ours(rate, noise, steps, "improved"), theirs))
        pld.append((_pld(rate, noise, steps), PLDAccountant().compose(event, steps).get_epsilon(DELTA)))
    yield compared("dp-accounting", "sampled Gaussians, Rényi", rdp, 1e-8)
    yield compared("dp-accounting", "sampled Gaussians, PLD (a coarser grid, never below)", pld, 5e-3, never_below=True)
    gaussians = [(dp_accounting.GaussianDpEvent(noise), steps) for noise in (0.7, 2.0, 30.0) for steps in (1, 10, 100)]
    exact = [
        (gaussian_epsilon(math.sqrt(steps) / event.noise_multiplier, DELTA), event, steps) for event, steps in gaussians
    ]
    pairs = [(ours, PLDAccountant().compose(event, steps).get_epsilon(DELTA)) for ours, event, steps in exact]
    yield compared("dp-accounting", "Gaussians without sampling, exact against its PLD", pairs, 1e-3)


def opacus() -> Iterator[Compared]:
    """Compare sampled Gaussians with Opacus."""
    from opacus.accountants import PRVAccountant
    from opacus.accountants.analysis.rdp import compute_rdp

    rdp, prv = [], []
    for rate, noise, steps in CHAINS:
        ours = steps * SampledGaussian(noise, rate=rate).rdp(INTEGER_ORDERS, "add-remove")
        theirs = compute_rdp(q=rate, noise_multiplier=noise, steps=steps, orders=INTEGER_ORDERS)
        rdp.extend(zip(ours, theirs, strict=True))
        accountant = PRVAccountant()
        accountant.history = [(noise, rate, steps)]
        prv.append((_pld(rate, noise, steps), accountant.get_epsilon(DELTA, eps_error=0.001)))
    yield compared("opacus", "sampled Gaussians, Rényi at each order", rdp, 1e-8)
    yield compared("opacus", "sampled Gaussians, PLD against its PRV", prv, 5e-3)


def prv_accountant() -> Iterator[Compared]:
    """Compare sampled Gaussians with Microsoft's library."""
    from prv_accountant import PoissonSubsampledGaussianMechanism, PRVAccountant

    pairs = []
    for rate, noise, steps in CHAINS:
        prv = PoissonSubsampledGaussianMechanism(noise_multiplier=noise, sampling_probability=rate)
        accountant = PRVAccountant(prv, max_self_compositions=steps, eps_error=0.01, delta_error=DELTA / 1000)
        pairs.append((_pld(rate, noise, steps), accountant.compute_epsilon(DELTA, [steps])[1]))
    yield compared("prv-accountant", "sampled Gaussians, PLD against its estimate", pairs, 5e-3)


def _ours(rate: float, noise: float, steps: int, conversion: Any) -> float:
    curve = steps * SampledGaussian(noise, rate=rate).rdp(INTEGER_ORDERS, "add-remove")
    return epsilon_of(INTEGER_ORDERS, curve, DELTA, conversion)


def _pld(rate: float, noise: float, steps: int) -> float:
    return pld_epsilon([(SampledGaussian(noise, rate=rate), steps)], DELTA, "add-remove")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pate", type=Path, help="tensorflow/privacy's folder research/pate_2018")
    folder = parser.parse_args().pate
    warnings.simplefilter("ignore")
    print("| peer | what | numbers | largest relative difference | allowed |\n|---|---|---|---|---|")
    agree = True
    for name, peer in (
        ("pate_2018", lambda: pate(folder) if folder else iter(())), ("dp-accounting", dp_accountings),
        ("opacus", opacus), ("prv-accountant", prv_accountant),
    ):  # fmt: skip
        try:
            rows = list(peer())
        except ImportError as error:
            rows = []
            print(f"{name}: {error}", file=sys.stderr)
        for row in rows:
            print(row, flush=True)
            agree &= row.agrees
        if not rows:
            print(f"| {name} | not there | 0 | | |")
    return int(not agree)


if __name__ == "__main__":
    sys.exit(main())
