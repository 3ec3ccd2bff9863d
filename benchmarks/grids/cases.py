"""The cases, their contestants and the ratios that fedasr must reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ADD, STEP = "add", "step"
"""What a silo does: add its number to every value, or take one SGD step on one example."""
OWN, FLOWER, PFL = "fedasr", "Flower's engine", "pfl"


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes
    ----------
    name : str
    silos, values : int
        How many silos, and how many float32 values go to each and come back.
    work : str
        ``"add"`` or ``"step"``.
    peer : str
        Whom fedasr is compared with.
    least_ratio, aim : float
        How many times faster a round is to be, and how many times we would like.
    rounds : int
        Timed rounds, after one that is not.
    stock_arrays : bool
        Silos answer with Flower's own `Array` rather than with fedasr's, on both sides.
    least_memory_ratio : float or None
        How many times more memory the peer's driver is to need.
    """

    name: str
    silos: int
    values: int
    work: str
    peer: str
    least_ratio: float
    aim: float
    rounds: int
    stock_arrays: bool = False
    least_memory_ratio: float | None = None


CASES = (
    Case("1000-empty", 1000, 1, ADD, FLOWER, 30.0, 30.0, 5, stock_arrays=True),
    Case("64x10M", 64, 10_000_000, ADD, FLOWER, 5.0, 10.0, 3, least_memory_ratio=4.0),
    Case("64x10M-stock", 64, 10_000_000, ADD, FLOWER, 5.0, 5.0, 3, stock_arrays=True, least_memory_ratio=4.0),
    Case("1000x10-step", 1000, 10, STEP, PFL, 1.0, 1.8, 20),
    Case("256x1M-step", 256, 1_000_000, STEP, PFL, 1.0, 1.8, 8),
    Case("64x10M-step", 64, 10_000_000, STEP, PFL, 1.0, 1.8, 4),
)


@dataclass(frozen=True)
class Measurement:
    """What one contestant showed in one case.

    Attributes
    ----------
    round_seconds : tuple of float
        Every timed round.
    driver_bytes : int
        The driver's peak resident set size.
    driver_share_bytes, total_share_bytes : int
        Peak proportional set size of the driver, and of all processes together.
    model : mapping
        Numbers by which the final models of two contestants are compared.
    absent : str or None
        Why there is nothing to show.
    """

    round_seconds: tuple[float, ...] = ()
    driver_bytes: int = 0
    driver_share_bytes: int = 0
    total_share_bytes: int = 0
    model: Mapping[str, float] = field(default_factory=dict)
    absent: str | None = None


@dataclass(frozen=True)
class Comparison:
    """One case, measured on both sides."""

    case: Case
    own: Measurement
    peer: Measurement
