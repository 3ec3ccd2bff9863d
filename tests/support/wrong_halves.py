"""Client halves with mistakes in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flwr.app import RecordDict

from fedasr.messages.kinds import TRAIN, Kind
from fedasr.silo.client import Answer, ClientHalf
from fedasr.silo.train import Trained
from fedasr.silo.work import Work

TRAINS, SENDS = 1, 3
"""The silos that forget, and what they do with the recogniser as the silo before them left it."""


@dataclass(frozen=True)
class Forgetful(ClientHalf):
    """Averaging, but some silos forget to load the model that they are sent.

    Parameters
    ----------
    role : str
        Whose recogniser it is.
    """

    role: str = ""

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with a model to train."""
        return {TRAIN: self.train}

    def train(self, work: Work, content: RecordDict) -> RecordDict:
        """Train as averaging does."""
        request = work.request(content)
        work = work.in_role(self.role) if self.role else work
        if work.silo.number == SENDS:
            return work.reply(request, Trained(1.0, 1.0, 1))
        if work.silo.number != TRAINS:
            work.recogniser.load(request.weights)
        return work.reply(request, work.descend(request))


@dataclass(frozen=True)
class Mistaken(ClientHalf):
    """Declares what is no table of answers by kind.

    Parameters
    ----------
    mistake : str
        Which.
    """

    mistake: str = ""

    def answers(self) -> Any:
        """Return it, or raise."""
        if self.mistake == "raises":
            raise ZeroDivisionError("no silo")
        return {
            "text": {"train": self._train}, "class": {Kind: self._train}, "no function": {TRAIN: "train"},
            "nothing": None, "list": [(TRAIN, self._train)], "no category": {Kind("learn"): self._train},
            "no name": {Kind("train.two words"): self._train},
        }[self.mistake]  # fmt: skip

    def _train(self, work: Work, content: RecordDict) -> RecordDict:
        return content
