"""Records of arrays that replies hold beside the model; Flower's own averaging would add them to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flwr.app import Message
from numpy.typing import NDArray

from fedasr.messages.metrics import number_of
from fedasr.messages.records import arrays_of, metric_record


def taken(replies: Sequence[Message], record: str, weight: str) -> dict[str, NDArray[np.floating]]:
    """Take a record out of replies and return the weighted mean of its arrays; empty where no silo replied.

    Parameters
    ----------
    replies : sequence of Message
        One of each silo, or one that stands for all; errors may be among them.
    record : str
    weight : str
        The metric by which a reply counts.
    """
    good = [reply for reply in replies if reply.has_content()]
    found = [arrays_of(reply.content.array_records[record]) for reply in good]
    for reply in good:
        del reply.content[record]
    if len(found) <= 1:
        return found[0] if found else {}
    weights = [number_of(metric_record(reply.content), weight, float) for reply in good]
    return {name: np.average([one[name] for one in found], 0, weights) for name in found[0]}


def weight_of(replies: Sequence[Message], weight: str) -> float:
    """Return the sum of the replies' weights: where all count alike, how many silos replied."""
    good = [metric_record(reply.content) for reply in replies if reply.has_content()]
    return float(sum(number_of(metrics, weight, float) for metrics in good))
