"""Aggregate and account 100,000 votes of 250 teachers over 40 classes: seconds and peak memory."""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from fedasr.privacy.accounting.conversion import ORDERS, epsilon_of
from fedasr.privacy.accounting.vote_costs import spent_on
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax, NoisyMax
from fedasr.privacy.noise import SecureNoise

VOTES, TEACHERS, CLASSES, DELTA = 100_000, 250, 40, 1e-5
MOST_SECONDS, MOST_MEGABYTES = 5.0, 200.0


def peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def votes() -> np.ndarray:
    """Draw histograms whose agreement varies from vote to vote, so that nearly all differ."""
    generator = np.random.default_rng(0)
    agreement = generator.uniform(0.1, 1.0, VOTES)
    counts = np.empty((VOTES, CLASSES), dtype=np.int16)
    for at in range(0, VOTES, 10_000):
        share = agreement[at : at + 10_000, None]
        chances = np.hstack([share, np.repeat((1 - share) / (CLASSES - 1), CLASSES - 1, axis=1)])
        counts[at : at + 10_000] = generator.multinomial(TEACHERS, chances)
    return counts


def measure(mechanism: NoisyMax, counts: np.ndarray) -> float:
    began = time.perf_counter()
    answers = mechanism.answer(counts, SecureNoise())
    aggregated = time.perf_counter()
    spent = spent_on(mechanism, counts, "replace-one").total
    epsilons = [epsilon_of(ORDERS, curve, DELTA) for curve in (spent.data_independent, spent.data_dependent)]
    ended = time.perf_counter()
    print(
        f"{mechanism.kind}: aggregate {aggregated - began:.2f} s, account {ended - aggregated:.2f} s; "
        f"errors {np.mean(answers != 0):.1%}, "
        f"ε {epsilons[0]:.4g} (data-independent), {epsilons[1]:.4g} (data-dependent)"
    )
    return ended - began


def main() -> int:
    counts = votes()
    before = peak_megabytes()
    seconds = max(measure(GNMax(40.0), counts), measure(LNMax(20.0), counts))
    peak = peak_megabytes()
    print(f"slower of the two: {seconds:.2f} s (at most {MOST_SECONDS:g}); the process peaks at {peak:.0f} MB "
          f"(at most {MOST_MEGABYTES:g}), {peak - before:.0f} MB of it above reading the votes")  # fmt: skip
    return int(seconds > MOST_SECONDS or peak > MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
