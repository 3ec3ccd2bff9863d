"""Speech that silos hold out of their own: no row trains on it, every row is scored on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from fedasr.common.randomness import Streams
from fedasr.corpora.partition import Partition

PURPOSE = "held out"
"""Names the random streams of the draw, one a silo: what one holds out depends on no other silo."""


def hold_out(partition: Partition, share: float, streams: Streams) -> Partition:
    """Return a partition whose silos each hold out a share of their own utterances, by `count_of`.

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
    parts = [parted(ids, share, streams, silo) for silo, ids in enumerate(partition.silos)]
    return replace(partition, silos=tuple(kept for kept, _ in parts), held_out=tuple(held for _, held in parts))


def parted(ids: Sequence[str], share: float, streams: Streams, silo: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what of its utterances a silo trains on, and what it holds out, both in their order."""
    order = streams.numpy(PURPOSE, 0, silo).permutation(len(ids))
    places = set(order[: count_of(len(ids), share)].tolist())
    kept = tuple(name for place, name in enumerate(ids) if place not in places)
    return kept, tuple(name for place, name in enumerate(ids) if place in places)


def count_of(utterances: int, share: float) -> int:
    """Return how many of so many utterances are held out: the share of them, rounded down.

    By the share as it is written in decimals: of 100 utterances 0.29 is 29, though in binary it is a little less.
    """
    return math.floor(Fraction(str(share)) * utterances)


def told_of_small(partition: Partition, share: float) -> str:
    """Return how many silos have too few utterances to hold any out; nothing where none has, or none was to."""
    small = sum(bool(kept) and not partition.held_out_by(silo) for silo, kept in enumerate(partition.silos))
    if not small or share == 0:
        return ""
    return (
        f"held out: {small} of {len(partition.silos)} silos hold none of their own speech out, for they have fewer "
        f"than {math.ceil(1 / Fraction(str(share)))} utterances (corpus.held_out)"
    )
