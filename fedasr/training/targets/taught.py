"""Speech with what a teacher says of it in the place of its transcripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.soft_targets import FrameTargets
from fedasr.corpora.alignment import Alignment
from fedasr.training.batches import Examples, frames_of


class Teacher(Protocol):
    """What was stored of a teacher, by utterance (`fedasr.training.targets.stored.StoredTeacher` is one)."""

    def targets(self, utterance_id: str) -> FrameTargets:
        """Return what it says of each frame."""

    def text(self, utterance_id: str) -> str:
        """Return what it hears."""


@dataclass(frozen=True)
class TaughtByFrames:
    """Examples with a teacher's outputs frame by frame; their own transcripts cannot be read.

    Parameters
    ----------
    among : Examples
    teacher : Teacher
    """

    among: Examples
    teacher: Teacher

    def __len__(self) -> int:
        return len(self.among)

    def features(self, index: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return log-mel features at a speed of the waveform, shape (frames of 10 ms, mels)."""
        return self.among.features(index, speed)

    def frames(self, index: int) -> int:
        """Return the number of 10 ms frames."""
        return self.among.frames(index)

    def frames_of(self, places: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return the numbers of 10 ms frames at some places."""
        return frames_of(self.among, places)

    def text(self, index: int) -> str:
        """Return that nothing is written."""
        return ""

    def id(self, index: int) -> str:
        """Return which utterance it is."""
        return self.among.id(index)

    def alignment(self, index: int, name: str) -> Alignment:
        """Raise KeyError: an alignment is a transcript, with times."""
        raise KeyError(name)

    def soft_targets(self, index: int) -> FrameTargets | None:
        """Return what the teacher says of each frame."""
        return self.teacher.targets(self.id(index))


@dataclass(frozen=True)
class TaughtByText(TaughtByFrames):
    """Examples with what a teacher hears as their transcripts."""

    def text(self, index: int) -> str:
        """Return what the teacher hears."""
        return self.teacher.text(self.id(index))

    def soft_targets(self, index: int) -> FrameTargets | None:
        """Return that no frame has targets of its own."""
        return None
