"""The objective of self-training: what the start hears in public speech without transcripts, learnt beside the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fedasr.common.errors import RowError
from fedasr.common.settings import one_of
from fedasr.training.holdings import Chain, Chosen, Holdings
from fedasr.training.objectives.supervised import Supervised
from fedasr.training.targets.asked import DECODED_TEXT, GREEDY_TEXT, AskedOfTeacher
from fedasr.training.targets.taught import TaughtByText


@dataclass(frozen=True)
class SelfTrained(Supervised):
    """Learns transcripts and, at the centre, public unlabelled speech as the recogniser of role ``teacher`` hears it.

    The teacher is that role's start; without ``[roles.teacher]`` it is the model that the row begins from. It hears the
    speech once, before training; utterances in which it hears nothing are left out. What it hears is as public as the
    start is, so no promise is needed for it; beside private speech a protection takes it for what it takes public
    speech.

    Parameters
    ----------
    targets : str
        ``"greedy"``: what the teacher hears; ``"decoded"``: the same by the experiment's ``[decoding]``.
    """

    hears_public: ClassVar[bool] = True
    targets: str = one_of(GREEDY_TEXT, GREEDY_TEXT, DECODED_TEXT)

    @property
    def asked_of_teacher(self) -> AskedOfTeacher:
        """A text."""
        return AskedOfTeacher(0, self.targets)

    def examples(self, held: Holdings) -> Holdings:
        """Return the private and the public speech, the unlabelled among the public with what the teacher hears.

        Raises
        ------
        RowError
            Where no teacher was asked.
        """
        if held.teacher is None:
            raise RowError("no teacher has heard the public speech; set corpus.unlabelled_speakers, at the centre")
        taught = TaughtByText(held.unlabelled, held.teacher)
        heard = tuple(place for place in range(len(taught)) if taught.text(place))
        return Holdings(held.private, Chain((held.public, Chosen(taught, heard))))
