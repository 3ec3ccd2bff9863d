"""What a client half is given to answer one message with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from fedasr.asr.recogniser import Recogniser, Weights
from fedasr.common.errors import RowError
from fedasr.common.randomness import Streams, seeded_libraries
from fedasr.corpora.speech import Speech
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import Kind
from fedasr.messages.records import ARRAYS, array_record, arrays_of
from fedasr.messages.train_reply import TrainReply
from fedasr.messages.train_request import TrainRequest
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.step import Step
from fedasr.silo.evaluated import held_out_score
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.train import Correction, Trained, gradients, local_steps, steps_asked, told_heard, told_seconds
from fedasr.training.iterates import IterateMean, counts
from fedasr.training.objectives.objective import Objective
from fedasr.training.parameters import ALL, chosen_names

MEAN_OF = "mean of "
"""The record of a silo's state that holds the mean of what is kept under a name begins so."""


@dataclass(frozen=True)
class Work:
    """One message to one silo: the silo, what it keeps, and how it trains.

    Attributes
    ----------
    host : SiloHost
        What all silos of the row share.
    silo : Silo
    kind : Kind
        Of the message.
    round : int
        Of the exchange.
    state : RecordDict
        What the silo keeps between messages: Flower's records, saved with each checkpoint and restored to the bit. It
        never leaves the silo by itself.
    is_averaged : bool
        `kept` returns means of iterates where there are some.
    """

    host: SiloHost
    silo: Silo
    kind: Kind
    round: int
    state: RecordDict
    is_averaged: bool = False
    _stretches: Iterator[int] = field(default_factory=itertools.count)

    @property
    def speech(self) -> Speech:
        """The silo's own speech. What is made of it otherwise than by gradients, no protection covers."""
        return self.silo.speech

    @property
    def held_out(self) -> Speech:
        """Further speech of the silo's own, that it never trains on; there may be none."""
        return self.silo.held_out

    @property
    def streams(self) -> Streams:
        """Where all chance comes from."""
        return self.silo.streams

    @property
    def recogniser(self) -> Recogniser:
        """The recogniser to load weights into; silos of one process take turns, so nothing stays in it."""
        return self.host.recogniser

    @property
    def training(self) -> TrainingSpec:
        """The row's rounds and local work, as the message changed them."""
        return self.host.training

    @property
    def objective(self) -> Objective:
        """What a batch holds and what its loss is."""
        return self.host.objective

    @property
    def plan(self) -> GradientPlan:
        """The row's protection, sized."""
        return self.host.plan

    def in_role(self, role: str) -> Work:
        """Return the same work with the recogniser of a role, such as a teacher."""
        return replace(self, host=self.host.in_role(role))

    def request(self, content: RecordDict) -> TrainRequest:
        """Return what a message to train asks for; its settings of ``[training]`` are those of `training` already.

        Raises
        ------
        RowError
            Where it asks for steps that its kind does not leave to it: they are what is charged and timed.
        """
        found = TrainRequest.from_record(content, self.round or None)  # outside rounds its own is all there is
        if found.steps is not None and self.kind.steps != "request":
            raise RowError(f"a message '{self.kind.name}' does not say its steps; set training.local_steps")
        return found

    def descend(
        self, request: TrainRequest, correct: Correction | None = None, state: RecordDict | None = None
    ) -> Trained:
        """Take the local steps, in place, from the weights that the recogniser has.

        Parameters
        ----------
        request : TrainRequest
        correct : callable, optional
            ``correct(gradient)`` changes each clipped gradient, a tensor by the name of its parameter, in place, before
            the optimizer's step.
        state : RecordDict, optional
            Where the optimizer's moments are kept from round to round; without it each message begins anew.

        Raises
        ------
        RowError
            Where the kind of message declares fewer stretches of training.
        """
        return local_steps(self.host, self.silo, request, state, correct, self._next_stretch())

    def gradients(self, request: TrainRequest, layers: tuple[str, ...] = ALL) -> Iterator[Step]:
        """Yield the gradients of as many steps as `descend` would take, each at the weights of its moment.

        They are neither clipped to ``training.gradient_norm`` nor applied. Errors as `descend`.
        """
        steps = steps_asked(self.host, self.silo, request)
        return gradients(self.host, self.silo, request.dice, steps, layers, self._next_stretch())

    def _next_stretch(self) -> int:
        stretch = next(self._stretches)
        if stretch >= self.kind.stretches:
            raise RowError(
                f"a message '{self.kind.name}' declares {self.kind.stretches} stretches of training, not more"
            )
        return stretch

    def reply(
        self, request: TrainRequest, trained: Trained, arrays: Weights | None = None, record: str = ARRAYS,
        others: Mapping[str, Weights] | None = None,
    ) -> RecordDict:  # fmt: skip
        """Return the content of a reply to a request to train.

        Parameters
        ----------
        request : TrainRequest
        trained : Trained
        arrays : mapping of str to ndarray, optional
            By default the recogniser's weights, of the layers that the request trains.
        record : str
            What they are: a model (``"arrays"``) or a change of the one that was sent (``"change"``).
        others : mapping of str to mapping, optional
            Further records of arrays, of the layout of the model that was sent.
        """
        if arrays is None:
            weights = self.recogniser.weights()
            arrays = {name: weights[name] for name in chosen_names(weights, request.layers or ALL)}
        seconds = told_seconds(self.host, self.silo, request)
        size, loss, heard = len(self.speech), trained.loss, told_heard(self.host, trained.audio_seconds)
        return TrainReply(arrays, size, loss, heard, record, seconds, others or {}).to_record()

    def evaluated(self) -> RecordDict:
        """Return the reply to an evaluation: what the recogniser's weights do on the silo's held-out speech.

        Raises
        ------
        RowError
            Where the silo holds none out, and under a guarantee, which does not cover it.
        """
        return held_out_score(self.host, self.silo).to_record()

    def kept(self, name: str) -> dict[str, NDArray[Any]]:
        """Return arrays that the silo kept under a name; empty where it kept none."""
        record = self.state.get(name)
        mean = self._mean(name).weights() if self.is_averaged else {}
        return mean or (arrays_of(record) if isinstance(record, ArrayRecord) else {})

    def keep(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays under a name, in the place of what stood there; nobody may change them any more."""
        self.state[name] = array_record(arrays)

    def keep_iterate(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a model of the silo's own, or a part of one, after training it in this round.

        Where the row is scored by means, its mean over the rounds among the last third in which the silo trained is
        kept beside it: `averaged` gives that. Both are committed with the reply.
        """
        self.keep(name, arrays)
        if self.host.averages and counts(self.round, self.training.rounds):
            mean = self._mean(name)
            mean.add(arrays)
            self.keep(MEAN_OF + name, mean.state())

    def averaged(self) -> Work:
        """Return the same work as a row is scored: `kept` returns the means of `keep_iterate`, else what came last."""
        return replace(self, is_averaged=True)

    def _mean(self, name: str) -> IterateMean:
        mean, record = IterateMean(), self.state.get(MEAN_OF + name)
        if isinstance(record, ArrayRecord):
            mean.restore(arrays_of(record))
        return mean

    def fresh_weights(self) -> Weights:
        """Return weights of the recogniser's shape, drawn from the row's stream: the same in every silo."""
        with seeded_libraries(self.streams.sequence("fresh weights")):
            return Recogniser(self.host.recogniser_spec, self.host.tokens).weights()
