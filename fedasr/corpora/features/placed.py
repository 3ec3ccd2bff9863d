"""A partition of prepared speech by rows: four bytes an utterance in every process, and no name of any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.features.mapped import MappedStore, opened_store
from fedasr.corpora.partition import Partition
from fedasr.corpora.stores.store import Store, row_numbers


class PlacedNames(Sequence[str]):
    """The ids of some rows of prepared speech, read when they are asked for.

    Parameters
    ----------
    rows : ndarray of int
    folder : Path
        Of the speech.
    """

    def __init__(self, rows: NDArray[np.integer], folder: Path) -> None:
        self.rows, self._folder = rows, folder

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> PlacedNames: ...
    def __getitem__(self, place: int | slice) -> str | PlacedNames:
        if isinstance(place, slice):
            return PlacedNames(self.rows[place], self._folder)
        return opened_store(self._folder).id(int(self.rows[place]))


class PlacedSilos(Sequence[PlacedNames]):
    """What each silo holds, by rows of prepared speech.

    Parameters
    ----------
    rows : ndarray of int
        Of one silo after another.
    ends : ndarray of int64, shape (silos,)
        Where those of each end.
    folder : Path
        Of the speech.
    """

    def __init__(self, rows: NDArray[np.integer], ends: NDArray[np.int64], folder: Path) -> None:
        self.rows, self._ends, self._folder = rows, ends, folder

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> PlacedNames: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[PlacedNames, ...]: ...
    def __getitem__(self, place: int | slice) -> PlacedNames | tuple[PlacedNames, ...]:
        if isinstance(place, slice):
            return tuple(self[number] for number in range(len(self))[place])
        number = range(len(self))[place]
        begin = self._ends[number - 1] if number else 0
        return PlacedNames(self.rows[begin : self._ends[number]], self._folder)

    def __eq__(self, other: object) -> bool:
        """Say whether other silos hold utterances of the same names, wherever these are prepared."""
        if not isinstance(other, Sequence) or len(other) != len(self):
            return False
        return all(list(own) == list(others) for own, others in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def placed(partition: Partition, store: MappedStore) -> Partition:
    """Return a partition whose silos hold rows of prepared speech in the place of ids."""
    rows = {store.id(row): row for row in range(len(store.frames))}
    kind = row_numbers(len(rows)).dtype

    def numbers(parts: Sequence[Sequence[str]]) -> PlacedSilos:
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        all_rows = np.fromiter((rows[name] for part in parts for name in part), kind, sum(map(len, parts)))
        return PlacedSilos(all_rows, ends, store.folder)

    held_out = numbers(partition.held_out) if partition.held_out else ()
    return replace(partition, silos=numbers(partition.silos), held_out=held_out)


def rows_of(names: Sequence[str], store: Store) -> NDArray[np.integer]:
    """Return the rows of what a silo holds; ids that are no rows yet are looked for in the whole store."""
    if isinstance(names, PlacedNames):
        return names.rows
    wanted = set(names)
    ids = ((store.id(row), row) for row in range(len(store.frames) if wanted else 0))
    found = {name: row for name, row in ids if name in wanted}
    return np.array([found[name] for name in names], np.int64)


def rows_of_all(silos: Sequence[Sequence[str]], store: Store) -> NDArray[np.integer]:
    """Return the rows of what all silos hold, rising."""
    if isinstance(silos, PlacedSilos):
        return np.sort(silos.rows)
    return np.sort(np.concatenate([np.zeros(0, np.int32), *(rows_of(names, store) for names in silos)]))
