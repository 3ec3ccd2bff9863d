"""What a protection is, and which there are: the entry-point group ``fedasr.protections``.

A protection says how a step's gradient is made of a data holder's examples, and what that promises. All training
goes through it: inside the silos, at the centre, and where nothing is protected. One at the silos' boundary leaves that
as it is: `fedasr.protection.boundary`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fedasr.common.errors import UserError
from fedasr.common.registry import Registry
from fedasr.common.settings import Settings, from_table
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.training.course import Course
from fedasr.training.learner import Learner
from fedasr.training.parameters import ALL


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
