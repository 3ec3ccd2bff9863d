"""The index of a shard that is being written: five columns of numbers, no Python object an utterance."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.training.targets.layout import COLUMNS

_FEWEST_PLACES = 1 << 10


class Rows:
    """Hash, offset, frames and checksum of each utterance so far.

    Attributes
    ----------
    frames : int
        Of all utterances together.
    """

    def __init__(self) -> None:
        self.frames = 0
        self._columns = tuple(array(column.char) for column in COLUMNS)
        # A hash table by open addressing: the number of a row and 1 in each place that is taken.
        self._places = array("L", bytes(8 * _FEWEST_PLACES))

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(self, first: int, second: int, offset: int, frames: int, crc: int) -> bool:
        """Append a row and return True, or return False where its hash is there already."""
        place = self._place(first, second)
        if self._places[place]:
            return False
        for column, value in zip(self._columns, (first, second, offset, frames, crc), strict=True):
            column.append(value)
        self._places[place] = len(self)
        self.frames += frames
        if 2 * len(self) > len(self._places):
            self._grow()
        return True

    def sorted_columns(self) -> list[NDArray[Any]]:
        """Return the columns in the order of the hashes, in the types that are written."""
        columns = [np.frombuffer(held, held.typecode) if held else np.empty(0) for held in self._columns]
        order = np.lexsort((columns[1], columns[0]))
        return [column[order].astype(kind) for column, kind in zip(columns, COLUMNS, strict=True)]

    def _place(self, first: int, second: int) -> int:
        """Return the place where a hash is, or the free one where it belongs."""
        firsts, seconds, places = self._columns[0], self._columns[1], self._places
        place = first % len(places)
        while row := places[place]:
            if firsts[row - 1] == first and seconds[row - 1] == second:
                break
            place = (place + 1) % len(places)
        return place

    def _grow(self) -> None:
        self._places = array("L", bytes(8 * 2 * len(self._places)))
        for row, (first, second) in enumerate(zip(self._columns[0], self._columns[1], strict=True)):
            self._places[self._place(first, second)] = row + 1
