"""Kinds of messages: what each says of itself, so that nobody has to read it out of a name.

Another package declares a kind of its own in the entry-point group ``fedasr.kinds``, under the kind's name. fedasr's
own need no entry point: whether training is charged must not depend on an installation being up to date.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

from fedasr.common.registry import Registry
from fedasr.messages.records import ARRAYS, CHANGE
from fedasr.messages.votes import ANSWER

Steps = Literal["none", "one", "row", "request"]


@dataclass(frozen=True)
class Kind:
    """One kind of message to a silo.

    Parameters
    ----------
    name : str
        Flower's message type: ``"train"``, ``"evaluate"`` or ``"query"``, and after a full stop an action of its own.
    steps : str
        The local steps of training behind one message: ``"none"``, ``"one"``, ``"row"`` (the row's ``local_steps``)
        or ``"request"`` (what the message itself asks for, by default the row's).
    averaged : bool
        The replies may be averaged where they are made, for strategies that declare it.
    coded : bool
        The arrays of replies travel as the row's codec encodes them.
    carries : tuple of str
        The records of arrays that a reply may hold; one that is not named here is refused.
    stretches : int
        How often those steps are taken for one message: an algorithm with a model of the silo's own trains twice.
    unpaid : bool
        Replies tell of private speech what no guarantee covers: a row in which one was answered promises nothing.
    is_free : bool
        Nothing need be paid for replies: they tell of private speech how much there is, which is public, and no more,
        or are the simulator's alone. A kind that says neither is paid for by its training's protection, or by the
        release that is made of the answers, of one answer of each silo; else a row in which it was answered promises
        nothing.
    by_consent : bool
        Answered only where a node's configuration allows it by name, or a row's strategy says that it asks for it.
    """

    name: str
    steps: Steps = "none"
    averaged: bool = False
    coded: bool = False
    carries: tuple[str, ...] = ()
    stretches: int = 1
    unpaid: bool = False
    is_free: bool = False
    by_consent: bool = False

    def __post_init__(self) -> None:
        if self.unpaid and self.is_free:
            raise ValueError(f"a message '{self.name}' cannot be both unpaid and free")

    @property
    def trains(self) -> bool:
        """Whether a silo trains: it may drop out, a protection charges it, and its work takes simulated time."""
        return self.steps != "none"

    @property
    def category(self) -> str:
        """What of a Flower ClientApp answers: its ``train``, ``evaluate`` or ``query``."""
        return self.name.partition(".")[0]

    @property
    def action(self) -> str:
        """The name under which it answers."""
        return self.name.partition(".")[2] or "default"

    def steps_behind(self, local_steps: int) -> int | None:
        """Return the steps behind one message in a row of so many local steps; None where only the message tells."""
        known: dict[Steps, int | None] = {"none": 0, "one": 1, "row": local_steps, "request": None}
        steps = known[self.steps]
        return None if steps is None else self.stretches * steps


TRAIN = Kind("train", "row", averaged=True, coded=True, carries=(ARRAYS,))
"""Train this model and send it back."""
GRADIENT = Kind("train.gradient", "one", averaged=True, coded=True, carries=(CHANGE,))
"""Send the change that one step asks for."""
ALONE = Kind("train.alone", "request", unpaid=True)
"""Train this model and keep it."""
TEACHER = Kind("train.teacher", "request", is_free=True)
"""Train this model and answer questions with it."""
TARGETS = Kind("train.targets", is_free=True)
"""Let this model hear your speech, and keep what it says to learn from: the reply says how much that is."""
LABEL, POSTERIOR, CANDIDATE, FRAME = (
    Kind(f"query.{what}", carries=(ANSWER,)) for what in ("label", "posterior", "candidate", "frame")
)
"""Questions to a teacher."""
SPEECH = Kind("query.speech", carries=("speech",), unpaid=True, by_consent=True)
"""Give your speech away."""
SILO_NUMBER = Kind("query.silo", is_free=True)
"""Say which silo you are: Flower's node ids are random."""
OWN_MODEL = Kind("evaluate.own", is_free=True)
"""Say what your own model does: the one that no server has. It is the simulator's question, outside all rounds."""
INTRODUCTION = Kind("query.introduction", is_free=True)
"""Prepare your own speech for this row, and say how much there is: the first message to a node that holds its own."""
AGREEMENT = Kind("query.agreement", is_free=True)
"""The smallest silo holds so much: protections are sized for it."""
EVALUATE = Kind("evaluate", unpaid=True)
"""What Flower's strategies send to have a model scored."""

OWN = {
    kind.name: kind
    for kind in (
        TRAIN, GRADIENT, ALONE, TEACHER, TARGETS, LABEL, POSTERIOR, CANDIDATE, FRAME, SPEECH, SILO_NUMBER, INTRODUCTION,
        AGREEMENT, OWN_MODEL, EVALUATE,
    )
}  # fmt: skip
"""The kinds that fedasr declares itself, by name."""
KINDS: Registry[Kind] = Registry("kind of message", "fedasr.kinds")
"""Those of other packages."""


@functools.cache
def kind_of(name: str) -> Kind:
    """Return what a kind of message says of itself.

    One that nobody declared may train as long as it likes and tell what it likes: silos drop out of it, and a
    protection, which could not tell what to charge, refuses it.
    """
    if name in OWN:
        return OWN[name]
    return KINDS.find(name) if name in KINDS.known() else Kind(name, "request", unpaid=True)
