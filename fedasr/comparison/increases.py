"""The increase of an error rate over a third row's, by another row's increase: what privacy costs, compared."""

from __future__ import annotations

from collections.abc import Sequence

from fedasr.comparison.intervals import Interval, interval_around
from fedasr.comparison.model_errors import ModelErrors, Training, paired, pooled_rate
from fedasr.comparison.scatter import Influence, scatter


def increase_interval(
    ones: Sequence[ModelErrors], others: Sequence[ModelErrors], floor: Sequence[ModelErrors]
) -> Interval | None:
    """Return by how much one row's rate is above a third one's, divided by how much another row's is, paired.

    (R − R₀) / (R' − R₀), R₀ being the model's without privacy, is how Golatkar et al. (CVPR 2022) and Yang et al. (SLT
    2022) compare. The interval is made on the logarithm, by the delta method, as that of a ratio is (`scatter`); R₀ is
    in both increases, and scatters in both alike.

    Parameters
    ----------
    ones, others, floor : sequence of ModelErrors
        Of R, R' and R₀. Only trainings that all three have are used.

    Returns
    -------
    Interval or None
        None where `ratio_interval` tells none, and where a rate is not above the third: no share is told then.
    """
    pairs = paired(ones, others, floor)
    if pairs is None:
        return None
    kept, (first, second, low) = pairs
    above, beside = pooled_rate(first) - pooled_rate(low), pooled_rate(second) - pooled_rate(low)
    if above <= 0 or beside <= 0:
        return None
    moved = [
        (one - none) / above - (other - none) / beside
        for one, other, none in zip(_moved(first), _moved(second), _moved(low), strict=True)
    ]
    return interval_around(above / beside, scatter(first, moved), kept, first)


def _moved(parts: Sequence[Training]) -> list[Influence]:
    """Return the influences on the pooled rate itself, which has them without an error, too."""
    rate, words = pooled_rate(parts), sum(float(part.words.sum()) for part in parts)
    return [(part.errors - rate * part.words) / words for part in parts]
