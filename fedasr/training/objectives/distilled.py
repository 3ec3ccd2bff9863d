"""The objective of what a teacher says: its top outputs of each frame, or what it hears."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import RowError
from fedasr.common.settings import Mistake, number, one_of
from fedasr.training.holdings import Holdings
from fedasr.training.objectives.frame_losses import (
    LEFT_OUT,
    RENORMALISED,
    TAIL_CLASS,
    least_over_shifts,
)
from fedasr.training.objectives.objective import Objective
from fedasr.training.targets.asked import DECODED_TEXT, GREEDY_TEXT, AskedOfTeacher
from fedasr.training.targets.taught import TaughtByFrames, TaughtByText

FRAMES = "frames"


@dataclass(frozen=True)
class Distilled(Objective):
    """Learns what the recogniser of the role ``teacher`` says of speech whose transcripts are nobody's to read.

    The teacher is that role's start; without ``[roles.teacher]`` it is the model that the row begins from. Its outputs
    are stored before the row's first round, where the speech is.

    Parameters
    ----------
    targets : str
        ``"frames"``: the outputs of each frame; ``"greedy"``: what the teacher hears as a transcript;
        ``"decoded"``: the same by the experiment's ``[decoding]``.
    top_k : int
        How many outputs of a frame are kept.
    tail : str
        What becomes of the others' probability: ``"renormalised"``, ``"class"`` (one more class) or ``"left out"``.
    delay_frames : int
        Frames by which a student may be later than its teacher, where it suits an utterance.
    """

    targets: str = one_of(FRAMES, FRAMES, GREEDY_TEXT, DECODED_TEXT)
    top_k: int = number(20, least=1, most=65_535)
    tail: str = one_of(RENORMALISED, RENORMALISED, TAIL_CLASS, LEFT_OUT)
    delay_frames: int = number(0, least=0, most=20)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what is said of frames where a text is learnt."""
        if self.targets != FRAMES:
            yield from self.without_effect("top_k", "tail", "delay_frames", unless="targets = 'frames'")

    @property
    def asked_of_teacher(self) -> AskedOfTeacher:
        """The outputs of each frame, or a text."""
        return AskedOfTeacher(self.top_k) if self.targets == FRAMES else AskedOfTeacher(0, self.targets)

    def examples(self, held: Holdings) -> Holdings:
        """Return the private speech with what the teacher says of it.

        Raises
        ------
        RowError
            Where no teacher was asked.
        """
        if held.teacher is None:
            raise RowError("no teacher has heard this speech; a strategy that trains elsewhere asks none")
        taught = TaughtByFrames if self.targets == FRAMES else TaughtByText
        return Holdings(taught(held.private, held.teacher))

    def losses(self, recogniser: Recogniser, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """Return nats a frame where a teacher says something of frames, else nats a token, shape (batch,)."""
        batch = batch.to(recogniser.device)
        encodings_BTF = recogniser.encode(batch.features_BTF, batch.lengths_B, generator)
        if batch.soft is None:
            return recogniser.losses_of(batch, encodings_BTF, generator)
        scores_BTV = recogniser.head.frame_scores(encodings_BTF)
        if scores_BTV is None:
            raise RowError(
                "the head scores no single frames to be taught; set model.head = 'ctc', or targets = 'greedy'"
            )
        taught_B = least_over_shifts(scores_BTV, batch.soft, batch.lengths_B, self.delay_frames, self.tail)
        is_taught_B = batch.soft.probabilities_BTK.sum((1, 2)) > 0
        if bool(is_taught_B.all()):
            return taught_B
        return torch.where(is_taught_B, taught_B, recogniser.losses_of(batch, encodings_BTF, generator))
