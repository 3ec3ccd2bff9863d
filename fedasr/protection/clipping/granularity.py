"""How the slots of a batch are divided into groups, each of which is cut as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class CutUnit(NamedTuple):
    """What is cut as one.

    Attributes
    ----------
    said : str
        In words that follow "per".
    is_alone : bool
        Whether nobody shares it with the one who is added, removed or replaced: it is one utterance, or one silo.
    total : str
        The sum that it has a part in.
    """

    said: str
    is_alone: bool
    total: str = "a step's sum, batch slots fixed"


class Granularity(ABC):
    """How a batch is divided. A number in it is one of the mathematics, never of the machine."""

    @abstractmethod
    def divided(self, slots: Sequence[T]) -> list[list[T]]:
        """Return the groups of a batch, none of them empty."""

    @property
    @abstractmethod
    def unit(self) -> CutUnit:
        """What is cut as one, for a reader."""


@dataclass(frozen=True)
class MicroBatches(Granularity):
    """Neighbours in the batch, so many at a time (Wang et al. 2024, arXiv 2408.16204); the last may be fewer.

    Parameters
    ----------
    size : int
        1 is each utterance by itself.
    """

    size: int

    def divided(self, slots: Sequence[T]) -> list[list[T]]:
        """Return neighbours together."""
        return [list(slots[start : start + self.size]) for start in range(0, len(slots), self.size)]

    @property
    def unit(self) -> CutUnit:
        """An utterance, or several."""
        return CutUnit("utterance", True) if self.size == 1 else CutUnit(f"micro-batch of {self.size}", False)


@dataclass(frozen=True)
class Cores(Granularity):
    """As if so many cores shared the batch (Wang et al. 2024, arXiv 2406.02004): every n-th slot is one core's.

    Parameters
    ----------
    count : int
        1 is the batch as a whole.
    """

    count: int

    def divided(self, slots: Sequence[T]) -> list[list[T]]:
        """Return every n-th together, as lanes of plain training are divided."""
        return [list(slots[core :: self.count]) for core in range(min(self.count, len(slots)))]

    @property
    def unit(self) -> CutUnit:
        """A core, of any number of utterances, or the batch."""
        return CutUnit("batch" if self.count == 1 else f"core of {self.count}", False)


EACH, WHOLE = MicroBatches(1), Cores(1)
LAYER = CutUnit("layer of the batch", False)
SILO = CutUnit("silo's change", True, "the sum of the silos' changes before their codecs, each counted alike")
