"""What a protection is, and which there are: the entry-point group ``fedasr.protections``.

A protection says how a step's gradient is made of a data holder's examples, and what that promises. All training
goes through it: inside the silos, at the centre, and where nothing is protected. One at the silos' boundary leaves that
as it is: `fedasr.protection.boundary`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import UserError
from fedasr.common.files import Arrays
from fedasr.common.registry import Registry
from fedasr.common.settings import Settings, from_table
from fedasr.privacy.accounting.ledger import charged_as
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.privacy.noise import Noise
from fedasr.protection.trust import UNSAID, Trust
from fedasr.training.course import Course
from fedasr.training.descent import Descent
from fedasr.training.learner import Learner
from fedasr.training.parameters import ALL
from fedasr.training.taken import Taken


@dataclass(frozen=True)
class Place:
    """A batch of a pass: with the next one training goes on as if it had never stopped.

    Parameters
    ----------
    begun, made : mapping
        The state of the source of batches (`numpy.random.BitGenerator.state`) before the pass was divided into batches,
        and when this one had been made.
    batches : int
        How many of the pass there are up to this one.
    bounds : sequence of float
        Those of gradients, where they were found at the start of the stretch.
    """

    begun: Mapping[str, Any]
    made: Mapping[str, Any]
    batches: int
    bounds: Sequence[float] = ()


class Step(NamedTuple):
    """One step: the seconds of speech it read (or is expected to), its mean loss, its gradient, and of how many.

    The loss is NaN where no guarantee covers it. The gradient has one tensor a parameter and belongs to the receiver.
    `taken` counts the utterances whose gradients are in it (or are expected to be); without it they are unknown.
    `rate` is the factor of the learning rate that the objective asks for. `place` is where training can go on after it;
    without one it goes on from the start of its stretch alone.
    """

    seconds: float
    loss: float
    gradient: list[Tensor]
    taken: Taken | None = None
    rate: float = 1.0
    place: Place | None = None


@dataclass(frozen=True)
class Dice:
    """All chance of one stretch of training.

    Parameters
    ----------
    batches : numpy.random.Generator
        Order and augmentation.
    masks : tuple of torch.Generator
        Dropout, on the recogniser's device; one a lane, where lanes are computed side by side.
    noise : callable
        ``noise(what, step)`` is the source of noise of one step, counted from the start of the stretch: of the
        operating system, or of the row's streams where the experiment says so. `what` names its purpose.
    steps : int
        How many steps are to be taken: no batch is made for a later one. 0 where nobody knows.
    place : Place, optional
        After which batch the stretch goes on; from its start without one.
    """

    batches: np.random.Generator
    masks: tuple[torch.Generator, ...]
    noise: Callable[[str, int], Noise]
    steps: int = 0
    place: Place | None = None


@dataclass(frozen=True)
class Guarantee:
    """What is promised of gradients.

    Parameters
    ----------
    unit : str
        ``"utterance"``, ``"speaker"`` or ``"silo"``.
    adjacency : str
    delta : float
    sampling : tuple of str
        As accounted, and as done.
    mechanism : Mechanism
        What one step releases; each is charged to the ledger.
    count : int
        How many there are in all, fixed before the first.
    trust : Trust
        Who is trusted with what, and who is guarded against.
    """

    unit: str
    adjacency: Adjacency
    delta: float
    sampling: tuple[str, str]
    mechanism: Mechanism
    count: int
    trust: Trust = UNSAID

    @property
    def promise(self) -> Promise:
        """What it promises, as `fedasr.protection.releases.Releases.promise` takes it."""
        planned = (charged_as(self.mechanism, self.sampling), self.count)
        return Promise(self.unit, self.adjacency, self.delta, (planned,))


class GradientPlan(ABC):
    """A protection sized for the data holders of a row. It travels to the silos."""

    @property
    @abstractmethod
    def guarantee(self) -> Guarantee | None:
        """What is promised; None where nothing is, and then nothing reaches the ledger.

        Raises
        ------
        RowError
            Where the promise cannot be kept.
        """

    @property
    def has_guarantee(self) -> bool:
        """Whether something is promised, whatever noise that takes: asked also where nobody trains by this plan."""
        return self.guarantee is not None

    @abstractmethod
    def gradients(self, learner: Learner, dice: Dice) -> Generator[Step, None, None]:
        """Yield step after step, without end, each at the weights that the recogniser has by then.

        Parameters
        ----------
        learner : Learner
            ``learner.learnt`` holds private and public examples apart; only the private are to be protected.
        dice : Dice
        """

    def bounded(self, reply: Arrays, sent: Arrays) -> Arrays:
        """Return what may leave a silo of the arrays that it trained, before they are encoded: by default all.

        Parameters
        ----------
        reply : mapping of str to ndarray
            The arrays of all records of a reply, by `fedasr.messages.records.flat_name`.
        sent : mapping of str to ndarray
            What of the message they answer, by the same names: a model that a model answers. An array without one is a
            change already.
        """
        return reply

    def descent(self, recogniser: Recogniser, plain: Descent) -> Descent:
        """Return what is done with the gradients at the centre, after any noise: it costs no privacy.

        Parameters
        ----------
        recogniser : Recogniser
        plain : Descent
            What ``[central]`` asks for.
        """
        return plain


class Protection(Settings, ABC):
    """How gradients are made of examples; a frozen dataclass of its settings.

    Attributes
    ----------
    protects : bool
        Whether anything is done to protect; one that does nothing may stand beside what a strategy is made for.
    of_centre : tuple of str
        The settings that take effect where the centre trains and nowhere else.
    """

    protects: ClassVar[bool] = True
    of_centre: ClassVar[tuple[str, ...]] = ()

    @property
    def bounds_replies(self) -> bool:
        """Whether it is in what silos reply that it takes effect, and nowhere else: by default not."""
        return False

    @property
    def trained(self) -> Sequence[str]:
        """The patterns of the parameters that it trains: those of its setting ``layers``, all where it has none."""
        return getattr(self, "layers", ALL)

    @property
    def needs_public(self) -> bool:
        """Whether it takes labelled public speech beside what a data holder learns from: by default not."""
        return False

    @property
    def least_public_speakers(self) -> int:
        """The labelled public speakers that it takes at least; by default none."""
        return 0

    @property
    def directions(self) -> tuple[int, int] | None:
        """The dimensions of a span of public gradients on which it projects, and of how many; by default none."""
        return None

    @property
    def least_batch(self) -> int:
        """The utterances that a batch has at least, for it to take effect."""
        return 1

    @property
    def unit_and_delta(self) -> tuple[str, float] | None:
        """Whom it promises something, and at which δ, before it is sized; None where nothing, or that is not known."""
        return None

    @property
    def lot(self) -> float | None:
        """The utterances that it draws for a step, expected; None where steps are taken on the batches of a pass."""
        return None

    def said(self, at_centre: bool) -> Mapping[str, str]:
        """Return what it changes in how a row trains, by the names of `fedasr.server.work.recipe.Recipe`."""
        return {}

    def course(self, learner: Learner, epochs: int) -> Course:
        """Return how long the centre trains; by default so many passes, as ``[central]`` says."""
        return Course.of_passes(epochs, learner.steps)

    @abstractmethod
    def plan(self, private: int, public: int, steps: int) -> GradientPlan:
        """Return the protection, sized.

        Parameters
        ----------
        private, public : int
            Examples of the smallest data holder, taken as known to everybody.
        steps : int
            That each data holder takes in all.
        """


PROTECTIONS: Registry[type[Protection]] = Registry("protection", "fedasr.protections")


def build_protection(name: str, options: Mapping[str, Any]) -> Protection:
    """Return the protection of a name with the options of an experiment file.

    Parameters
    ----------
    name : str
        A registered name, or ``module:Class``.
    options : mapping
        The row's ``protection_options``.

    Raises
    ------
    UserError
        Where the name, an option or its value is unknown or out of range.
    """
    found = PROTECTIONS.find(name)
    if not (isinstance(found, type) and issubclass(found, Protection)):
        raise UserError(f"'{name}' is no protection (a subclass of {Protection.__module__}.Protection)")
    return from_table(found, options, "", "protection_options.")
