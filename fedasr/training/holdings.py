"""What a learner may learn from: speech of its own, and speech that is public."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.soft_targets import FrameTargets
from fedasr.corpora.alignment import Alignment
from fedasr.training.batches import Examples, frames_of, soft_targets
from fedasr.training.targets.taught import Teacher


@dataclass(frozen=True)
class Chain:
    """Sequences of examples, one after the other, as one sequence.

    Parameters
    ----------
    parts : tuple of Examples
        None of them: no examples.
    """

    parts: tuple[Examples, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def features(self, index: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return log-mel features at a speed of the waveform, shape (frames of 10 ms, mels)."""
        part, place = self._place(index)
        return part.features(place, speed)

    def frames(self, index: int) -> int:
        """Return the number of 10 ms frames."""
        part, place = self._place(index)
        return part.frames(place)

    def frames_of(self, places: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return the numbers of 10 ms frames of examples at some places."""
        found, first = np.zeros(len(places), np.int64), 0
        for part in self.parts:
            is_here = (first <= places) & (places < first + len(part))
            if is_here.any():
                found[is_here] = frames_of(part, places[is_here] - first)
            first += len(part)
        return found

    def alignment(self, index: int, name: str) -> Alignment:
        """Return the phone of each 10 ms frame at speed 1, of the alignments of a name."""
        part, place = self._place(index)
        return part.alignment(place, name)

    def text(self, index: int) -> str:
        """Return the transcript."""
        part, place = self._place(index)
        return part.text(place)

    def id(self, index: int) -> str:
        """Return which utterance it is."""
        part, place = self._place(index)
        return part.id(place)

    def soft_targets(self, index: int) -> FrameTargets | None:
        """Return what a teacher says of each frame, None where there is none to say it."""
        return soft_targets(*self._place(index))

    def _place(self, index: int) -> tuple[Examples, int]:
        place = index
        for part in self.parts:
            if place < len(part):
                return part, place
            place -= len(part)
        raise IndexError(f"there are {len(self)} examples, and no number {index}")


@dataclass(frozen=True)
class Chosen:
    """Some of a sequence of examples, as a sequence.

    Parameters
    ----------
    among : Examples
    places : tuple of int
        Where they stand in it.
    """

    among: Examples
    places: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.places)

    def features(self, index: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return log-mel features at a speed of the waveform, shape (frames of 10 ms, mels)."""
        return self.among.features(self.places[index], speed)

    def frames(self, index: int) -> int:
        """Return the number of 10 ms frames."""
        return self.among.frames(self.places[index])

    def frames_of(self, places: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return the numbers of 10 ms frames of examples at some places."""
        return frames_of(self.among, np.asarray(self.places, np.int64)[places])

    def alignment(self, index: int, name: str) -> Alignment:
        """Return the phone of each 10 ms frame at speed 1, of the alignments of a name."""
        return self.among.alignment(self.places[index], name)

    def text(self, index: int) -> str:
        """Return the transcript."""
        return self.among.text(self.places[index])

    def id(self, index: int) -> str:
        """Return which utterance it is."""
        return self.among.id(self.places[index])

    def soft_targets(self, index: int) -> FrameTargets | None:
        """Return what a teacher says of each frame, None where there is none to say it."""
        return soft_targets(self.among, self.places[index])


NOTHING = Chain()
"""No examples."""


@dataclass(frozen=True)
class Holdings:
    """Speech at hand to a silo or to the centre, by what a guarantee must say of it.

    Parameters
    ----------
    private : Examples
        A silo's own; at the centre what silos gave it.
    public : Examples
        Transcribed public speech that is learnt from beside the private, where a strategy pools them.
    unlabelled : Examples
        Public speech without transcripts, which every silo has.
    labelled : Examples
        Public speech with transcripts, which every silo has; only an objective that asks for it learns from it.
    teacher : Teacher, optional
        What a teacher said of the private examples, or of the unlabelled, where the objective asks for one.
    """

    private: Examples = NOTHING
    public: Examples = NOTHING
    unlabelled: Examples = NOTHING
    labelled: Examples = NOTHING
    teacher: Teacher | None = None

    @property
    def examples(self) -> Examples:
        """The private and then the public examples, as one sequence."""
        return Chain((self.private, self.public))
