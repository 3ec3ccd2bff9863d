"""Client halves whose algorithms leave each silo with a model of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from fedasr.messages.kinds import OWN_MODEL, Kind
from fedasr.silo.alone import own_scores
from fedasr.silo.client import Answer, ClientHalf
from fedasr.silo.work import Work

Arrays = Mapping[str, NDArray[np.floating]]


class PersonalHalf(ClientHalf):
    """A client half that trains a model of the silo's own beside, or as part of, the common one.

    Its strategy is one of `fedasr.server.own_models.OwnModels`.
    """

    @abstractmethod
    def own_model(self, work: Work, common: Arrays) -> Arrays:
        """Return the silo's own model, given what the server has.

        What it was trained to is kept with `fedasr.silo.work.Work.keep_iterate`, so that ``work.kept`` returns the last
        to train on, and the mean of the last third to be scored.
        """

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with the question after the silo's own model."""
        return {OWN_MODEL: self.score}

    def score(self, work: Work, content: RecordDict) -> RecordDict:
        """Say what the silo's own model does."""
        work.recogniser.load(self.own_model(work.averaged(), work.request(content).weights))
        return own_scores(work.host, work.silo).to_record()
