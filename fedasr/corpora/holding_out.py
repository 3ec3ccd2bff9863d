"""Speech that silos hold out: never trained on, and scored on where a strategy evaluates in the silos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fedasr.common.randomness import Streams
from fedasr.corpora.partition import Partition

PURPOSE = "held out"
"""Names the random streams of the draw, one a silo: what one holds out depends on no other silo."""


def hold_out(partition: Partition, share: float, streams: Streams) -> Partition:
    """Return a partition whose silos each hold out a share of their own utterances.

    Parameters
    ----------
    partition : Partition
        Its silos hold nothing out yet.
    share : float
        From 0 to below 1; with 0 the partition is returned as it is.
    streams : Streams
        Those that the partition was drawn from.
    """
    if share == 0:
        return partition
    draws = [drawn(len(ids), share, streams.numpy(PURPOSE, 0, silo)) for silo, ids in enumerate(partition.silos)]
    parts = [_parted(ids, places) for ids, places in zip(partition.silos, draws, strict=True)]
    return replace(partition, silos=tuple(kept for kept, _ in parts), held_out=tuple(held for _, held in parts))


def drawn(utterances: int, share: float, generator: np.random.Generator) -> set[int]:
    """Return the places of the utterances that are held out, of so many.

    The nearest whole number to the share of them, at least one, and so few that one stays to train on: a silo of
    one utterance holds out nothing.
    """
    count = min(max(round(share * utterances), 1), utterances - 1)
    return set(generator.permutation(utterances)[:count].tolist())


def _parted(ids: Sequence[str], places: set[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kept = tuple(name for place, name in enumerate(ids) if place not in places)
    return kept, tuple(name for place, name in enumerate(ids) if place in places)
