"""Speech: a store of utterances with their features, and the numbers of some of its rows.

What trainers and decoders read. A part of some speech is other row numbers of the same store: four bytes an utterance,
however much is known of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.alignment import Alignment
from fedasr.corpora.stores.held import HeldStore
from fedasr.corpora.stores.retold import Retold
from fedasr.corpora.stores.store import Names, Store, portions, row_numbers
from fedasr.corpora.utterance import Utterance

Places = Sequence[int] | NDArray[np.integer]
"""Places in a sequence."""


class UntranscribedError(Exception):
    """A transcript was asked for that nobody may read."""


@dataclass(frozen=True, eq=False)
class Speech:
    """A sequence of utterances with features.

    Parameters
    ----------
    store : Store
    rows : ndarray of int
        Which of its utterances, in order.
    is_transcribed : bool
        Whether the transcripts may be read; see `untranscribed`.
    """

    store: Store
    rows: NDArray[np.integer]
    is_transcribed: bool = True

    def __len__(self) -> int:
        return len(self.rows)

    def features(self, index: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return the features of one utterance, shape (frames of 10 ms, mels).

        Those of its waveform at another speed are there for speech that is trained on, at the speeds of ``[augment]``.
        """
        return self.store.features(int(self.rows[index]), speed)

    def frames(self, index: int) -> int:
        """Return the number of 10 ms frames of one utterance."""
        return int(self.store.frames[self.rows[index]])

    def frames_of(self, places: Places | slice = slice(None)) -> NDArray[np.integer]:
        """Return the numbers of 10 ms frames of some utterances, by default of all, shape (utterances,)."""
        frames: NDArray[np.integer] = self.store.frames[self._rows(places)]
        return frames

    def seconds_of(self, places: Places | slice = slice(None)) -> NDArray[np.float64]:
        """Return the seconds of some utterances, by default of all, shape (utterances,)."""
        seconds: NDArray[np.float64] = self.store.seconds[self._rows(places)]
        return seconds

    def alignment(self, index: int, name: str) -> Alignment:
        """Return the phones of one utterance, frame by frame, at speed 1.

        Parameters
        ----------
        index : int
        name : str
            Of the alignments, as `fedasr.corpora.features.alignments.write` was told.

        Raises
        ------
        UntranscribedError
            Where nobody may read its transcript.
        """
        if not self.is_transcribed:
            raise UntranscribedError(f"{self.id(index)}: its alignment is nobody's to read")
        return self.store.alignment(int(self.rows[index]), name)

    def text(self, index: int) -> str:
        """Return the transcript of one utterance.

        Raises
        ------
        UntranscribedError
            Where nobody may read it.
        """
        if not self.is_transcribed:
            raise UntranscribedError(f"{self.id(index)}: its transcript is nobody's to read")
        return self.store.text(int(self.rows[index]))

    def texts(self) -> Iterator[str]:
        """Yield all transcripts, one after the other; errors as `text`."""
        return map(self.text, range(len(self)))

    def untranscribed(self) -> Speech:
        """Return the speech without its transcripts: what trains, votes or selects cannot learn from them."""
        return replace(self, store=Retold(self.store, {}), is_transcribed=False)

    def told(self, texts: Mapping[int, str]) -> Speech:
        """Return the utterances at some places, in that order, with these transcripts in the place of their own."""
        part = self.at(list(texts))
        said = dict(zip(part.rows.tolist(), texts.values(), strict=True))
        return replace(part, store=Retold(self.store, said), is_transcribed=True)

    def id(self, index: int) -> str:
        """Return the name of one utterance, which no other has."""
        return self.store.id(int(self.rows[index]))

    def speaker(self, index: int) -> str:
        """Return who says one utterance."""
        return self.store.speakers[int(self.store.speaker_numbers[self.rows[index]])]

    @property
    def utterances(self) -> Utterances:
        """All that is known of each utterance; made when it is asked for."""
        return Utterances(self)

    @property
    def seconds(self) -> float:
        """How long all utterances are together."""
        # One after the other, for a sum in another order has other bits.
        total: float = sum(length for rows in portions(self.rows) for length in self.store.seconds[rows].tolist())
        return total

    @property
    def speakers(self) -> list[str]:
        """The speakers, sorted."""
        found = (np.unique(self.store.speaker_numbers[rows]) for rows in portions(self.rows))
        numbers = np.unique(np.concatenate([np.zeros(0, np.int64), *found]))
        return [self.store.speakers[number] for number in numbers.tolist()]

    def at(self, places: Places | slice) -> Speech:
        """Return the utterances at some places, in that order."""
        return replace(self, rows=self._rows(places))

    def where(self, keep: Callable[[Utterance], bool]) -> Speech:
        """Return the utterances for which `keep` is true; each is made to be looked at."""
        return self.at([place for place, utterance in enumerate(self.utterances) if keep(utterance)])

    def of_speakers(self, speakers: Iterable[str]) -> Speech:
        """Return the utterances of these speakers."""
        numbers = np.array([n for name in set(speakers) for n in _place(self.store.speakers, name)], np.int64)
        found = (rows[np.isin(self.store.speaker_numbers[rows], numbers)] for rows in portions(self.rows))
        return replace(self, rows=np.concatenate([self.rows[:0], *found]))

    def _rows(self, places: Places | slice) -> NDArray[np.integer]:
        return self.rows[places if isinstance(places, slice) else np.asarray(places, np.int64)]


class Utterances(Sequence[Utterance]):
    """The utterances of some speech, each made when it is asked for.

    Parameters
    ----------
    speech : Speech
    """

    def __init__(self, speech: Speech) -> None:
        self._speech = speech

    def __len__(self) -> int:
        return len(self._speech)

    @overload
    def __getitem__(self, place: int) -> Utterance: ...
    @overload
    def __getitem__(self, place: slice) -> Utterances: ...
    def __getitem__(self, place: int | slice) -> Utterance | Utterances:
        if isinstance(place, slice):
            return Utterances(self._speech.at(place))
        return self._speech.store.utterance(int(self._speech.rows[place]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(_are_equal, self, other))

    __hash__ = None  # type: ignore[assignment]


def _are_equal(one: object, other: object) -> bool:
    return one == other


def speech_of(store: Store) -> Speech:
    """Return all the speech of a store."""
    return Speech(store, row_numbers(len(store.frames)))


def held_speech(
    utterances: Sequence[Utterance], features: Sequence[NDArray[np.floating]],
    copies: Mapping[tuple[str, float], NDArray[np.floating]] | None = None,
    alignments: Mapping[tuple[str, str], Alignment] | None = None,
) -> Speech:  # fmt: skip
    """Return speech that is held in memory; see `HeldStore`."""
    return speech_of(HeldStore(utterances, features, copies, alignments))


def _place(names: Names, name: str) -> range:
    """Return where a name stands in sorted names: one place, or none."""
    place = bisect_left(names, name)
    return range(place, place + (place < len(names) and names[place] == name))
