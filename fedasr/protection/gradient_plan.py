"""A protection sized for the data holders of a row: where the gradients of all training are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator

from fedasr.asr.recogniser import Recogniser
from fedasr.common.files import Arrays
from fedasr.protection.guarantee import Guarantee
from fedasr.protection.step import Dice, Step
from fedasr.training.descent import Descent
from fedasr.training.learner import Learner


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
