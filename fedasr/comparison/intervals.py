"""95% intervals of a pooled error rate and of the ratio of two rows' rates, paired by training and speaker.

Both are made on the logarithm, by Student's t. Speakers and trainings are two sources of variance with different
degrees of freedom, and each is given its own quantile (as Graybill and Wang 1980 do for sums of variance components).
`benchmarks/coverage.py` measures how often the intervals hold what they are of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import stdtrit

from fedasr.comparison.model_errors import (
    Counted,
    ModelErrors,
    Training,
    are_seeds_alike,
    paired,
    pooled_rate,
    trainings,
    without_silent,
)
from fedasr.comparison.scatter import Scatter, influences, scatter

OUTSIDE = 0.025
"""The probability beyond each end."""

FEWEST_TRAININGS = 3
"""With fewer the noise of training is not known well enough to call a difference one."""


@dataclass(frozen=True)
class Interval:
    """A rate or a ratio and its 95% interval.

    Attributes
    ----------
    value : float
        The pooled rate; of two rows, the first one's divided by the second one's.
    low, high : float, optional
        None where there is no interval: fewer than two speakers; of a ratio, a row without an error.
    trainings : int
        Draws of the speakers, or seeds where there is one draw. With one, the interval is of the mean over speakers of
        this very model (of these two), and the noise of training is not in it.
    draws, speakers : int
        How many draws, and how many different speakers were tested.
    """

    value: float
    low: float | None
    high: float | None
    trainings: int
    draws: int
    speakers: int

    @property
    def has_ends(self) -> bool:
        """Whether there is an interval."""
        return self.low is not None

    @property
    def is_decided(self) -> bool:
        """Of a ratio: whether one row is better, the noise of training included; never with one training or two."""
        if self.low is None or self.high is None or self.trainings < FEWEST_TRAININGS:
            return False
        return self.high < 1 or self.low > 1


def rate_interval(tested: Sequence[ModelErrors]) -> Interval | None:
    """Return the pooled error rate of a row with its interval; None where no word was said.

    Without a single error the low end is 0 and the high one 1 − 0.025^(1/words) (3.7 / words, the two-sided rule of
    three): each speaker's words are counted once, and taken as independent. Where seeds of one draw were tested on
    different speakers (those whom each seed's start serves worst) there is no interval: neither is drawn by itself.
    """
    if not are_seeds_alike(tested):
        return _without_ends(tested)
    (parts,) = without_silent(trainings(tested))
    errors, words = _total(parts)
    if not words:
        return None
    if errors:
        return interval_around(
            errors / words, _at_least_binomial(_scatter_of(parts), errors / words, parts), tested, parts
        )
    none = interval_around(0.0, None, tested, parts)
    most = 1 - OUTSIDE ** (1 / _words_once(parts))
    return replace(none, low=0.0, high=most) if none.speakers > 1 else none


def ratio_interval(ones: Sequence[ModelErrors], others: Sequence[ModelErrors]) -> Interval | None:
    """Return the ratio of two rows' pooled error rates with its paired interval.

    Only trainings that both rows have (the same draw and seed) are used. None where there is none, where they, or the
    seeds of one draw, were not tested on the same speakers, or where a row made no error: no ratio is told then.
    """
    pairs = paired(ones, others)
    if pairs is None:
        return None
    kept, (first, second) = pairs
    up, down = influences(first), influences(second)
    if up is None or down is None:
        return None
    found = scatter(first, [one - other for one, other in zip(up, down, strict=True)])
    return interval_around(pooled_rate(first) / pooled_rate(second), found, kept, first)


def wer_interval(speakers: Sequence[Counted]) -> tuple[float, float] | None:
    """Return the 95% interval of one model's error rate over speakers; None with fewer than two who say anything.

    Parameters
    ----------
    speakers : sequence
        The errors and words of each.
    """
    errors = tuple((str(place), one.errors, one.words) for place, one in enumerate(speakers))
    found = rate_interval([ModelErrors(0, 0, errors)])
    return None if found is None or found.low is None or found.high is None else (found.low, found.high)


def half_width(found: Scatter) -> float:
    """Return half the width of the interval of a log rate or ratio.

    Where trainings differ no more than speakers alone make them differ, it is the t interval over speakers. Else what
    training adds is given its own t, and the interval is never narrower than the t interval over trainings.
    """
    over_speakers = _t(found.speakers_freedom) ** 2 * found.speakers
    if found.trainings <= found.rest:
        return math.sqrt(over_speakers)
    t = _t(found.trainings_freedom) ** 2
    return math.sqrt(max(over_speakers + t * (found.trainings - found.rest), t * found.trainings))


def _without_ends(tested: Sequence[ModelErrors]) -> Interval | None:
    """Return the pooled error rate alone; None where no word was said."""
    every = [entry for one in tested for entry in one.errors]
    words = sum(words for _, _, words in every)
    rate = sum(errors for _, errors, _ in every) / words if words else 0.0
    keys, draws = {one.key for one in tested}, {one.draw for one in tested}
    counts = len(keys), len(draws), len({name for name, _, _ in every})
    return Interval(rate, None, None, *counts) if words else None


def _scatter_of(parts: Sequence[Training]) -> Scatter | None:
    moved = influences(parts)
    return None if moved is None else scatter(parts, moved)


def interval_around(
    value: float, found: Scatter | None, tested: Sequence[ModelErrors], parts: Sequence[Training]
) -> Interval:  # fmt: skip
    """Return the interval around a value whose logarithm scatters so; without ends where that is not known."""
    speakers = len({name for part in parts for name in part.speakers})
    counts = len(parts), len({one.draw for one in tested}), speakers
    if found is None:
        return Interval(value, None, None, *counts)
    factor = math.exp(min(half_width(found), 700.0))
    return Interval(value, value / factor, value * factor, *counts)


def _at_least_binomial(found: Scatter | None, rate: float, parts: Sequence[Training]) -> Scatter | None:
    """Return the scatter of a rate, no smaller than with independent words: few speakers may be alike by chance."""
    if found is None:
        return None
    return replace(found, speakers=max(found.speakers, (1 - rate) / (rate * _words_once(parts))))


def _words_once(parts: Sequence[Training]) -> float:
    """Return the words of all speakers, those of a speaker who was tested by several trainings once."""
    words = {name: count for part in parts for name, count in zip(part.speakers, part.words.tolist(), strict=True)}
    return float(sum(words.values()))


def _total(parts: Sequence[Training]) -> tuple[float, float]:
    return sum(float(part.errors.sum()) for part in parts), sum(float(part.words.sum()) for part in parts)


def _t(freedom: float) -> float:
    return float(stdtrit(freedom, 1 - OUTSIDE))
