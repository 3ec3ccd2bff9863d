"""Pooled error rates and ratios of two with their 95% intervals, from tables of trainings and speakers.

The method is that of the run: on the logarithm, by the influences of speakers, with Student's t; speakers and trainings
are two sources of variance (see the reference of the run folder). Here it is worked out on one masked table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

Counts = Mapping[str, tuple[int, int]]
"""Errors and words of each speaker."""
Table = NDArray[np.float64]
BEYOND_AN_END = 0.025


@dataclass(frozen=True)
class Estimate:
    """A rate or a ratio and the ends of its interval; None where there are none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Tables:
    """Errors and words, shape (trainings, speakers); NaN where a training did not test a speaker.

    Attributes
    ----------
    errors, words : ndarray
    trained : tuple of (int or None)
        On how many speakers each training was trained.
    """

    errors: Table
    words: Table
    trained: tuple[int | None, ...]

    def influences(self) -> Table:
        """Return how far each speaker moves the log of the rate."""
        errors, words = np.nansum(self.errors), np.nansum(self.words)
        moved: Table = (self.errors - errors / words * self.words) / errors
        return moved


def rate(trainings: Sequence[Counts]) -> Estimate | None:
    """Return the pooled rate; None where no word was said."""
    tables = _tables(trainings, [None] * len(trainings), [trainings])
    errors, words = float(np.nansum(tables.errors)), float(np.nansum(tables.words))
    if not words:
        return None
    once = float(np.nanmax(tables.words, axis=0).sum())
    speakers = tables.errors.shape[1]
    if not errors:
        return Estimate(0.0, 0.0, -math.expm1(math.log(BEYOND_AN_END) / once)) if speakers > 1 else Estimate(0.0)
    value = errors / words
    return _estimate(value, tables, tables.influences(), (1 - value) / (value * once))


def ratio(
    first: Sequence[Counts], second: Sequence[Counts], trained: Sequence[int | None] | None = None
) -> Estimate | None:
    """Return the ratio of two pooled rates, paired by training and speaker; None where it cannot be told."""
    if not first or [set(one) for one in first] != [set(one) for one in second]:
        return None
    known = trained or [None] * len(first)
    up, down = (_tables(side, known, [first, second]) for side in (first, second))
    if 0 in [np.nansum(counts) for side in (up, down) for counts in (side.errors, side.words)]:
        return None
    value = np.nansum(up.errors) / np.nansum(up.words) * np.nansum(down.words) / np.nansum(down.errors)
    return _estimate(float(value), up, up.influences() - down.influences(), 0.0)


def _tables(side: Sequence[Counts], trained: Sequence[int | None], beside: Sequence[Sequence[Counts]]) -> Tables:
    """Lay out counts; a speaker who neither said nor was heard to say anything, in any row, tells nothing."""
    heard = [{name for row in beside for name, count in row[place].items() if any(count)} for place in range(len(side))]
    names = sorted(set().union(*heard))
    errors, words = (
        np.array([[one[n][which] if n in heard[k] else np.nan for n in names] for k, one in enumerate(side)], float)
        for which in (0, 1)
    )
    return Tables(errors.reshape(len(side), -1), words.reshape(len(side), -1), tuple(trained))


def _estimate(value: float, tables: Tables, moved: Table, least: float) -> Estimate:
    half = _half_width(moved, tables, least)
    if half is None:
        return Estimate(value)
    factor = math.exp(min(half, 700.0))
    return Estimate(value, value / factor, value * factor)


def _half_width(moved: Table, tables: Tables, least: float) -> float | None:
    trainings, speakers = moved.shape
    if speakers < 2:
        return None
    tested = ~np.isnan(moved)
    raised = speakers / (speakers - 1)
    by_training = _variance_of_sum(np.nansum(moved, axis=1)) if trainings > 1 else 0.0
    freedom = speakers - 1
    if tested.all():
        by_speaker = _variance_of_sum(moved.sum(axis=0)) * raised
        expected = _interaction(moved) if trainings > 1 else 0.0
    elif (tested.sum(axis=0) == 1).all():
        centred = moved - np.nanmean(moved, axis=1, keepdims=True)
        within = int(tested.sum() - trainings)
        by_speaker = speakers * float(np.nansum(centred**2)) / within * raised if within else 0.0
        freedom, expected = max(within, 1), by_speaker
    else:
        if not all(tables.trained):
            return None
        by_speaker = expected = _variance_of_sum(np.nansum(moved, axis=0)) * raised
        shares = tested.sum(axis=1) / np.array(tables.trained, float)
        by_training *= 1 + trainings * float(shares.mean())
    over_speakers = _t(freedom) ** 2 * max(by_speaker, least)
    if by_training <= expected:
        return math.sqrt(over_speakers)
    squared = _t(trainings - 1) ** 2
    return math.sqrt(max(over_speakers + squared * (by_training - expected), squared * by_training))


def _variance_of_sum(parts: Table) -> float:
    return len(parts) * float(np.var(parts, ddof=1))


def _interaction(moved: Table) -> float:
    """Return what the variance over trainings would be if training added nothing."""
    left = moved - moved.mean(axis=0) - moved.mean(axis=1, keepdims=True) + moved.mean()
    freedom = (moved.shape[0] - 1) * (moved.shape[1] - 1)
    return float(moved.size * (left**2).sum() / freedom)


def _t(freedom: int) -> float:
    """Return the upper 2.5% point of Student's t, from that of the beta distribution."""
    share = float(betaincinv(freedom / 2, 0.5, 2 * BEYOND_AN_END))
    return math.sqrt(freedom * (1 / share - 1))
