"""Where the utterances of many shards are: their indices merged, so that one search finds each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.training.targets.shard import Shard

IN_MEMORY_UTTERANCES, AT_ONCE_UTTERANCES = 2_000_000, 500_000
_ROW_BITS, _ZEROS = 40, 1 << 17


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The sorted index of all shards, 16 bytes an utterance.

    Attributes
    ----------
    shards : sequence of Shard
    first_N : array of uint64
        First half of the hash, sorted.
    location_N : array of uint64, or range
        The shard's number, and in the lower 40 bits the row there; of one shard's own index 0, 1, 2, …
    """

    shards: Sequence[Shard]
    first_N: NDArray[np.uint64]
    location_N: NDArray[np.uint64] | range

    def find(self, first: int, second: int) -> tuple[Shard, int] | None:
        """Return the shard and the row of a hash, or None where no shard has it."""
        wanted = np.uint64(first)
        place = int(self.first_N.searchsorted(wanted))
        while place < len(self.first_N) and self.first_N[place] == wanted:
            shard, row = self._at(place)
            if int(shard.second_N[row]) == second:
                return shard, row
            place += 1  # another utterance of which half the hash is the same
        return None

    def double(self) -> tuple[Shard, Shard] | None:
        """Return two shards that hold the same utterance, or None."""
        for start in range(0, len(self.first_N), AT_ONCE_UTTERANCES):
            part_N = self.first_N[start : start + AT_ONCE_UTTERANCES + 1]
            for place in start + np.flatnonzero(part_N[1:] == part_N[:-1]):
                (one, row), (other, other_row) = self._at(int(place)), self._at(int(place) + 1)
                if one.second_N[row] == other.second_N[other_row]:
                    return one, other
        return None

    def _at(self, place: int) -> tuple[Shard, int]:
        shard, row = divmod(int(self.location_N[place]), 1 << _ROW_BITS)
        return self.shards[shard], row


def merged(shards: Sequence[Shard], folder: Path, in_memory: int = IN_MEMORY_UTTERANCES) -> Catalogue:
    """Return the catalogue of some shards.

    Parameters
    ----------
    shards : sequence of Shard
    folder : Path
        Of more than `in_memory` utterances the catalogue is a file without a name here, mapped, and gone with the
        process; where nothing may be written here, in the system's folder of temporary files.
    in_memory : int

    Raises
    ------
    RowError
        Where the disk has no room for that file.
    """
    utterances = sum(shard.footer.utterances for shard in shards)
    try:
        columns_2N = _columns(utterances, folder, in_memory)
    except OSError as error:
        raise RowError(f"{folder}: no room for the index of {utterances:,} utterances: {error.strerror}") from error
    bounds_RS = _bounds(shards, ranges=1 + utterances // AT_ONCE_UTTERANCES)
    stop = 0
    for begin_S, end_S in pairwise(bounds_RS):
        start, stop = stop, stop + int((end_S - begin_S).sum())
        _merge(shards, begin_S, end_S, columns_2N[:, start:stop])
    return Catalogue(shards, columns_2N[0], columns_2N[1])


def _columns(utterances: int, folder: Path, in_memory: int) -> NDArray[np.uint64]:
    if utterances <= in_memory:
        return np.empty((2, utterances), np.uint64)
    with tempfile.TemporaryFile(dir=folder if os.access(folder, os.W_OK) else None) as file:
        for _ in range(2 * utterances // _ZEROS + 1):  # taken from the disk now: a full one would end the process later
            file.write(bytes(8 * _ZEROS))
        return np.memmap(file, np.uint64, "r+", shape=(2, utterances)).view(np.ndarray)


def _bounds(shards: Sequence[Shard], ranges: int) -> NDArray[np.int64]:
    """Return the row of each shard at which each range of hashes begins, and last where the shards end."""
    edges = np.array([number * 2**64 // ranges for number in range(ranges)], np.uint64)
    begin_SR = np.array([shard.first_N.searchsorted(edges) for shard in shards])
    return np.vstack([begin_SR.T, [shard.footer.utterances for shard in shards]])


def _merge(
    shards: Sequence[Shard], begin_S: NDArray[np.int64], end_S: NDArray[np.int64], columns_2N: NDArray[np.uint64]
) -> None:
    pieces = list(zip(range(len(shards)), begin_S, end_S, strict=True))
    first_N = np.concatenate([shards[number].first_N[begin:end] for number, begin, end in pieces])
    location_N = np.concatenate(
        [np.arange(begin, end, dtype=np.uint64) + np.uint64(number << _ROW_BITS) for number, begin, end in pieces]
    )
    order = np.argsort(first_N, kind="stable")
    columns_2N[0], columns_2N[1] = first_N[order], location_N[order]
