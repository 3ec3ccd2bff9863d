"""How often the intervals of `fedasr.comparison` hold what they are of, and how wide they are.

python benchmarks/coverage.py                   # 2,000 simulated runs a cell, about two minutes
python benchmarks/coverage.py --runs 400

Runs are simulated with the spread of a real one: `server_optimizers` (quickstart's silos, 12 test speakers, seeds 1 to
3): WER 12.7%, 73 to 84 words a speaker; speakers' rates have a standard deviation of 0.55 of their mean, the ratio of
two rows one of 0.1 (two server optimizers) to 0.6 (`fedavg` beside `public-only`); errors of one speaker by two seeds
differ by 0.36 of the variance of independent (Poisson) ones, as both models fail on the same words. Two harder cases
stand beside: independent errors, with a ratio that is the same for all speakers besides.

A seed multiplies all rates of a row by a log-normal factor of the stated deviation, each row by one of its own.
With one seed the interval is of the mean over speakers of that model: its truth holds the factor.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from fedasr.comparison.intervals import half_width
from fedasr.comparison.model_errors import Training
from fedasr.comparison.scatter import influences, scatter

RATE, SPREAD, WORDS = 0.127, 0.55, (73, 85)
SPEAKERS, SEEDS, DEVIATIONS = (10, 20, 40, 60), (1, 2, 3, 5), (0.0, 0.1, 0.25)


@dataclass(frozen=True)
class Case:
    """What is simulated.

    Attributes
    ----------
    name : str
    paired : bool
        A ratio of two rows, or the rate of one.
    ratio_spread : float
        Standard deviation over speakers of the log of the ratio.
    left : float
        The variance between seeds of one speaker's errors, as a share of that of independent ones.
    is_nested : bool
        Draws, each with so many test speakers of its own, in the place of seeds.
    """

    name: str
    paired: bool
    ratio_spread: float
    left: float
    is_nested: bool = False


CASES = (
    Case("rate", False, 0.0, 0.36),
    Case("ratio, like rows", True, 0.1, 0.36),
    Case("ratio, unlike rows", True, 0.6, 0.36),
    Case("rate, independent errors", False, 0.0, 1.0),
    Case("ratio, the same for all, independent errors", True, 0.0, 1.0),
    Case("draws: rate", False, 0.0, 0.36, True),
    Case("draws: ratio, like rows", True, 0.1, 0.36, True),
)
REAL = CASES[:3]


@dataclass(frozen=True)
class Found:
    """Of one cell: the share of intervals that hold the truth, and their mean width by that over speakers alone."""

    covered: float
    width: float


def measured(
    case: Case, speakers: int, seeds: int, deviation: float, runs: int, dice: np.random.Generator
) -> Found:  # fmt: skip
    """Simulate a cell."""
    inside, widths, alone = 0, 0.0, 0.0
    parties = seeds if case.is_nested else 1
    names = [tuple(f"{party}/{place}" for place in range(speakers)) for party in range(parties)]
    for _ in range(runs):
        estimate, truth, moved = 0.0, 0.0, []
        words = dice.integers(*WORDS, (parties, speakers)).astype(np.float64)
        rates = RATE * _factors(SPREAD, (parties, speakers), dice)
        for sign, spread in ((1, 0.0), (-1, case.ratio_spread))[: 1 + case.paired]:
            own = rates * (_factors(spread, (parties, speakers), dice) if spread else 1.0)
            luck = _factors(deviation, (seeds, 1), dice)
            errors = _errors(own * words, luck, case.left, dice)
            parts = [Training(names[n % parties], one, words[n % parties]) for n, one in enumerate(errors)]
            moved.append([sign * one for one in influences(parts) or []])
            estimate += sign * math.log(errors.sum() / (seeds / parties * words.sum()))
            truth += sign * math.log(RATE * (float(luck[0, 0]) if seeds == 1 else 1.0))
        found = scatter(parts, [sum(one) for one in zip(*moved, strict=True)])
        assert found is not None
        half = half_width(found)
        inside += abs(estimate - truth) <= half
        widths += half
        everybody = parties * speakers  # of the t interval alone, which is not raised for few speakers
        alone += float(stdtrit(found.speakers_freedom, 0.975)) * math.sqrt(found.speakers * (1 - 1 / everybody))
    return Found(inside / runs, widths / alone)


def _factors(deviation: float, shape: tuple[int, ...], dice: np.random.Generator) -> NDArray[np.float64]:
    """Return log-normal factors of mean 1 and of this standard deviation."""
    variance = math.log(1 + deviation**2)
    return np.exp(dice.normal(0, math.sqrt(variance), shape) - variance / 2)


def _errors(
    expected: NDArray[np.float64], luck: NDArray[np.float64], left: float, dice: np.random.Generator
) -> NDArray[np.float64]:
    """Return counts, shape (seeds, speakers): words that any model may get wrong, thinned by each seed for itself."""
    if left >= 1:
        return dice.poisson(expected * luck).astype(np.float64)
    kept = 1 - left
    hard = np.broadcast_to(dice.poisson(expected / kept), (len(luck), expected.shape[1]))
    more = dice.poisson(
        expected * np.maximum(luck - 1 / kept, 0)
    )  # where a seed is so bad that all hard words are wrong
    return (dice.binomial(hard, np.minimum(kept * luck, 1)) + more).astype(np.float64)


def cells(runs: int) -> Iterator[tuple[Case, int, int, float, Found]]:
    """Simulate all cells."""
    for number, (case, speakers, seeds, deviation) in enumerate(
        itertools.product(CASES, SPEAKERS, SEEDS, DEVIATIONS)
    ):  # fmt: skip
        dice = np.random.default_rng(number)
        yield case, speakers, seeds, deviation, measured(case, speakers, seeds, deviation, runs, dice)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    found = list(cells(parser.parse_args().runs))
    print("| of | seeds | " + " | ".join(f"{d:.0%}: {s}" for d in DEVIATIONS for s in SPEAKERS) + " | width at 0 |")
    print("|---" * (3 + len(DEVIATIONS) * len(SPEAKERS)) + "|")
    for case, seeds in itertools.product(CASES, SEEDS):
        if case.is_nested and seeds == 1:
            continue  # as the same of one seed
        here = {(d, s): one for c, s, k, d, one in found if (c, k) == (case, seeds)}
        values = [f"{100 * here[d, s].covered:.1f}" for d in DEVIATIONS for s in SPEAKERS]
        widths = [here[0.0, s].width for s in SPEAKERS]
        print(f"| {case.name} | {seeds} | {' | '.join(values)} | {min(widths):.2f}–{max(widths):.2f} |")
    for title, cases in (("real spread", REAL), ("all", CASES)):
        counted = [one for one in found if one[0] in cases and one[2] != 2]
        least = min(one[4].covered for one in counted)
        width = np.mean([one[4].width for one in counted if one[3] == 0])
        print(f"{title}, 1, 3 and 5 seeds: coverage at least {least:.1%}; mean width at deviation 0: {width:.2f}")


if __name__ == "__main__":
    main()
