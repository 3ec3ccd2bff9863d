"""Client halves whose algorithms leave each silo with a model of its own."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import astuple

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from fedasr.asr.recogniser import digest
from fedasr.messages.alone_reply import AloneReply
from fedasr.messages.kinds import OWN_MODEL, Kind
from fedasr.silo.client import Answer, ClientHalf
from fedasr.silo.scored import scored
from fedasr.silo.work import Work

Arrays = Mapping[str, NDArray[np.floating]]


class PersonalHalf(ClientHalf):
    """A client half that trains a model of the silo's own beside, or as part of, the common one.

    Its strategy is one of `fedasr.server.own_models.OwnModels`.
    """

    @abstractmethod
    def own_model(self, work: Work, common: Arrays) -> Arrays:
        """Return the silo's own model, given what the server has in the end."""

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with the question after the silo's own model."""
        return {OWN_MODEL: self.score}

    def score(self, work: Work, content: RecordDict) -> RecordDict:
        """Say what the silo's own model does."""
        model = self.own_model(work, work.request(content).weights)
        work.recogniser.load(model)
        found = scored(work.recogniser, work.host.test_speech, with_losses=False)
        errors = tuple(tuple(astuple(count)) for count in found.errors.values())
        return AloneReply(0, math.nan, digest(model), errors).to_record()  # of its speech nothing is told
