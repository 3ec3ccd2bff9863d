"""Protection at a silo's boundary: what is done to the silos' replies before anybody sees their sum.

Training inside the silos is plain. The protection draws the cohort, bounds what a silo adds to the sum, and adds noise
to the sum once; a strategy is given one reply that stands for the cohort, and nothing else of the silos.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from fedasr.common.files import Arrays
from fedasr.privacy.noise import Noise
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.protection.clipping.bounds import NO_LAYERS
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.guarantee import Guarantee
from fedasr.protection.none import Unprotected
from fedasr.protection.protection import Protection


class Boundary(ABC):
    """A protection at the boundary, sized for the silos and the rounds of a row.

    Attributes
    ----------
    clip_norm : float
        The largest L2 norm of all that a silo adds to the sum, over every array of its reply together.
    layer_bounds : str
        How it is divided among arrays that are cut one by one: `fedasr.protection.clipping.bounds.Bounds.divided`.
    """

    clip_norm: float
    layer_bounds: str = NO_LAYERS

    @property
    def pseudo_silo_speakers(self) -> int:
        """The public speakers of a pseudo-silo, where such do the silos' local work at the server; 0 for none."""
        return 0

    def in_round(self, public: Sequence[Arrays]) -> Boundary:
        """Return the protection of a round: by default the same in all.

        Parameters
        ----------
        public : sequence of mapping
            How each pseudo-silo changed the model that silos are sent, before any of these is asked.
        """
        return self

    def directed(self, mean: Arrays, public: Sequence[Arrays], away: Arrays) -> Arrays:
        """Return what a strategy is given of a published mean change: by default that.

        Parameters
        ----------
        mean : mapping of str to ndarray
            It is public by now.
        public : sequence of mapping
            As `in_round` takes them.
        away : mapping of str to ndarray
            From the model that silos are sent to the one that the row begins from; empty where they are sent others.
        """
        return mean

    @property
    @abstractmethod
    def guarantee(self) -> Guarantee:
        """What is promised; the mechanism is that of one round."""

    @abstractmethod
    def cohort(self, silos: Sequence[int], noise: Noise) -> list[int]:
        """Draw which of the silos that a strategy addresses take part in a round."""

    @abstractmethod
    def grid(self, values: int, silos: int) -> NoiseGrid | None:
        """Return the public grid on which changes of so many values, of so many silos at most, are summed.

        None where no noise is added.

        Raises
        ------
        RowError
            Where there is none on which so many are summed exactly.
        """

    @abstractmethod
    def released(self, total: Arrays, grid: NoiseGrid | None, noise: Noise) -> Arrays:
        """Return what is published of a sum of clipped changes, zeros where nobody came.

        Parameters
        ----------
        total : mapping of str to ndarray of float64
            In whole steps of the grid, if there is one.
        grid : NoiseGrid or None
        noise : Noise
        """

    @abstractmethod
    def divisor(self, addressed: int) -> float:
        """Return the public number that a published sum is divided by, where so many silos were addressed."""

    @abstractmethod
    def check(self, addressed: int, silos: int) -> None:
        """Refuse to draw from fewer silos than are accounted for.

        Raises
        ------
        RowError
            Naming the mend.
        """


class BoundaryProtection(Protection):
    """A protection at the silos' boundary; a frozen dataclass of its settings."""

    def plan(self, private: int, public: int, steps: int) -> GradientPlan:
        """Return plain training: the gradients are not what is protected."""
        return Unprotected()

    @abstractmethod
    def boundary(self, rate: float, rounds: int) -> Boundary:
        """Return the protection, sized.

        Parameters
        ----------
        rate : float
            The probability with which a silo is to take part in a round.
        rounds : int

        Raises
        ------
        RowError
            Where no noise keeps the target.
        """
