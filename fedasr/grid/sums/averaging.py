"""The one reply that stands for all of a cohort, where replies are averaged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flwr.app import MetricRecord, RecordDict
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.grid.exchange import Exchange, Mean, Outcome
from fedasr.grid.sums.terms import Term, mean_of
from fedasr.messages.coded.returned import asked_back
from fedasr.messages.records import CHANGE, METRICS, array_record, flat_name, like_of, metric_record


def mean_reply(exchange: Exchange, mean: Mean, good: Sequence[Outcome], arrays_total: Term) -> RecordDict:
    """Return mean arrays, mean metrics and the summed weight of some replies; of clipped changes the summed arrays.

    Parameters
    ----------
    exchange : Exchange
    mean : Mean
    good : sequence of Outcome
        Those of silos that replied, in the order of the silos; at least one.
    arrays_total : Term
        The weighted sum of their arrays.

    Raises
    ------
    RowError
        Where all weights are zero.
    """
    metrics = [metric_record(o.content) for o in good if o.content is not None]
    is_clipped = mean.clip_norm is not None
    weights = np.array([1.0 if is_clipped else float(m[mean.weight]) for m in metrics])  # type: ignore[arg-type]
    total = float(weights.sum())
    if total <= 0:
        raise RowError(f"the weights '{mean.weight}' of all replies are zero")
    first, sent = good[0], exchange.contents[good[0].request.content]
    layouts = {name: asked_back(sent, like_of(sent, name)) for name in sorted(first.records)}
    flat = {flat_name(name, key): array for name, layout in layouts.items() for key, array in layout.items()}
    types = [np.result_type(*of_one) for of_one in zip(*(outcome.types for outcome in good), strict=True)]
    doubles = [np.dtype(np.float64)] * len(flat)
    means = mean_of(arrays_total, 1.0, flat, doubles) if is_clipped else mean_of(arrays_total, total, flat, types)
    records = {
        name: array_record({key: means[flat_name(name, key)] for key in layout}) for name, layout in layouts.items()
    }
    if is_clipped and len(records) == 1:
        records = {CHANGE: next(iter(records.values()))}
    metrics_name = next(iter(first.content.metric_records), METRICS) if first.content is not None else METRICS
    return RecordDict({**records, metrics_name: _mean_metrics(metrics, weights, mean.weight)})


def _mean_metrics(metrics: Sequence[MetricRecord], weights: NDArray[np.float64], weight: str) -> MetricRecord:
    """Return the weighted means of the metrics that all silos report, and the sum of the weights.

    A silo's NaN is no number and has no part in the mean.
    """
    total = float(weights.sum())
    averaged = MetricRecord({weight: total})
    for key in metrics[0]:
        if key != weight and all(key in m for m in metrics):
            averaged[key] = _mean_of_numbers(np.array([m[key] for m in metrics], np.float64), weights, total).tolist()
    return averaged


def _mean_of_numbers(
    values: NDArray[np.float64], weights: NDArray[np.float64], total: float
) -> NDArray[np.float64] | np.float64:
    """Return the weighted mean over the silos, the first axis, of what is a number; NaN where nothing is."""
    is_number = ~np.isnan(values)
    if is_number.all():
        return weights @ values / total
    parts = np.where(is_number, values, 0.0)
    with np.errstate(invalid="ignore"):
        return weights @ parts / (weights @ is_number)
