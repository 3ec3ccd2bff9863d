"""One pass over examples, divided into batches of utterances of like length: in memory a bounded window of it.

Up to `WINDOW` examples are shuffled together. More of them are divided into windows of about as many, each a fixed
sample of all: blocks of neighbours, which lie together on the disk, taken at equal distances. A pass takes the windows
in a random order and shuffles each by a stream of its own when it comes to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.features import frames_to_seconds
from fedasr.training.batches import Examples, frames_of

Batches = Sequence[list[int]]
"""Places among the examples, batch by batch; a batch is made when it is asked for."""
WINDOW = 1 << 17
"""Examples that are shuffled together: 180 hours at 5 s each, for which a process holds about 5 MB at most."""
BLOCK = 1 << 10
"""About as many neighbours stay together in a window."""
ROUNDED = 1.1
"""Lengths that round up to the same power of it are alike."""


def shuffled_batches(
    examples: Examples, batch_size: int, generator: np.random.Generator, batch_seconds: float = 0.0
) -> Batches:
    """Divide one pass over the examples into batches of utterances of like length, in random order.

    Parameters
    ----------
    examples : Examples
    batch_size : int
        Utterances of a batch; the last of a pass may be smaller.
    generator : numpy.random.Generator
        Shuffles, at once; lengths are blurred by a tenth so that batches differ from pass to pass.
    batch_seconds : float
        Where above 0, a batch holds as many utterances as fit into so many seconds, padded to its longest, and one at
        least, however many that are. Utterances whose lengths round up to the same are shuffled among themselves; so
        every pass has as many batches (see `steps_of_a_pass`).

    Returns
    -------
    sequence of list of int
        Every example exactly once.
    """
    if len(examples) <= WINDOW:
        return _shuffled(np.arange(len(examples), dtype=np.int32), examples, batch_size, generator, batch_seconds)
    return WindowedPass(examples, batch_size, generator, batch_seconds)


def steps_of_a_pass(examples: Examples, batch_size: int, batch_seconds: float = 0.0) -> int:
    """Return how many batches `shuffled_batches` makes, whatever its generator."""
    if not batch_seconds:
        return math.ceil(len(examples) / batch_size)
    return sum(_steps(examples, places, batch_seconds) for places in windows(len(examples)))


def windows(count: int, batch_size: int = 1) -> Iterator[NDArray[np.integer]]:
    """Yield the places of each window: all together every example once.

    Parameters
    ----------
    count : int
        Examples.
    batch_size : int
        Blocks hold a multiple of it, so that no window but one ends in a smaller batch.
    """
    number = math.ceil(count / WINDOW)
    return (window(count, batch_size, one, number) for one in range(number))


def window(count: int, batch_size: int, number: int, of: int) -> NDArray[np.integer]:
    """Return the places of one window of so many."""
    block = batch_size * max(1, round(BLOCK / batch_size)) if of > 1 else count
    starts = np.arange(number * block, count, of * block, dtype=np.int64)
    places = (starts[:, None] + np.arange(block)).ravel()
    return places[places < count]


class ArrangedBatches(Sequence[list[int]]):
    """Places in an order, cut into batches, in an order of their own.

    Parameters
    ----------
    places : ndarray of int
    starts : ndarray of int, shape (batches + 1,)
        Where among the places each batch begins; the last is their number.
    order : ndarray of int, shape (batches,)
    """

    def __init__(self, places: NDArray[np.integer], starts: NDArray[np.integer], order: NDArray[np.integer]) -> None:
        self._places, self._starts, self._order = places, starts, order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, number: int) -> list[int]: ...
    @overload
    def __getitem__(self, number: slice) -> list[list[int]]: ...
    def __getitem__(self, number: int | slice) -> list[int] | list[list[int]]:
        if isinstance(number, slice):
            return [self[one] for one in range(len(self))[number]]
        batch = self._order[number]
        found: list[int] = self._places[self._starts[batch] : self._starts[batch + 1]].tolist()
        return found


class WindowedPass(Sequence[list[int]]):
    """A pass over more examples than are shuffled together: parameters as `shuffled_batches`."""

    def __init__(
        self, examples: Examples, batch_size: int, generator: np.random.Generator, batch_seconds: float = 0.0
    ) -> None:  # fmt: skip
        self._examples, self._batch_size, self._batch_seconds = examples, batch_size, batch_seconds
        self._windows = generator.permutation(math.ceil(len(examples) / WINDOW))
        self._key = int(generator.integers(2**63))
        self._ends = np.cumsum([self._steps(number) for number in self._windows.tolist()])
        self._known: tuple[int, Batches] | None = None

    def __len__(self) -> int:
        return int(self._ends[-1])

    @overload
    def __getitem__(self, number: int) -> list[int]: ...
    @overload
    def __getitem__(self, number: slice) -> list[list[int]]: ...
    def __getitem__(self, number: int | slice) -> list[int] | list[list[int]]:
        if isinstance(number, slice):
            return [self[one] for one in range(len(self))[number]]
        batch = range(len(self))[number]
        rank = int(np.searchsorted(self._ends, batch, side="right"))
        return self._window(rank)[batch - int(self._ends[rank])]

    def _window(self, rank: int) -> Batches:
        """Return the batches of a window, by its turn; those of the last one that was asked for are kept."""
        if self._known is None or self._known[0] != rank:
            places = self._places(int(self._windows[rank]))
            generator = np.random.default_rng((self._key, rank))
            made = _shuffled(places, self._examples, self._batch_size, generator, self._batch_seconds)
            self._known = rank, made
        return self._known[1]

    def _places(self, number: int) -> NDArray[np.integer]:
        size = 1 if self._batch_seconds else self._batch_size
        return window(len(self._examples), size, number, len(self._windows))

    def _steps(self, number: int) -> int:
        places = self._places(number)
        if not self._batch_seconds:
            return math.ceil(len(places) / self._batch_size)
        return _steps(self._examples, places, self._batch_seconds)


def _shuffled(
    places: NDArray[np.integer], examples: Examples, batch_size: int, generator: np.random.Generator,
    batch_seconds: float,
) -> Batches:  # fmt: skip
    frames = frames_of(examples, places).astype(np.float64)
    if batch_seconds:
        rounded = rounded_up(frames)
        order = np.lexsort((generator.permutation(len(frames)), rounded))
        starts = np.array([*starts_by_seconds(rounded[order], batch_seconds), len(order)])
    else:
        order = np.argsort(frames * generator.uniform(0.9, 1.1, len(frames)), kind="stable")
        starts = np.array([*range(0, len(order), batch_size), len(order)])
    return ArrangedBatches(places[order], starts, generator.permutation(len(starts) - 1))


def _steps(examples: Examples, places: NDArray[np.integer], batch_seconds: float) -> int:
    frames = frames_of(examples, places).astype(np.float64)
    return len(starts_by_seconds(np.sort(rounded_up(frames)), batch_seconds))


def rounded_up(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return lengths in frames rounded up to the whole part of a power of 1.1: at most a tenth longer."""
    longest = float(frames.max(initial=1.0))
    bounds: NDArray[np.float64] = np.floor(ROUNDED ** np.arange(math.ceil(math.log(longest, ROUNDED)) + 2))
    found: NDArray[np.float64] = bounds[np.searchsorted(bounds, frames)]
    return found


def starts_by_seconds(frames: NDArray[np.float64], seconds: float) -> list[int]:
    """Return the places at which batches of so many seconds begin, filled one after the other.

    Parameters
    ----------
    frames : ndarray, shape (examples,)
        Lengths, rising.
    seconds : float
        Of the longest of a batch times its utterances, unless it holds one alone.
    """
    starts: list[int] = []
    for place, longest in enumerate(frames):
        if not starts or frames_to_seconds((place + 1 - starts[-1]) * float(longest)) > seconds:
            starts.append(place)
    return starts
