"""How many silos a Flower strategy would draw: refused where there are not so many, for Flower would wait for ever."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator
from typing import Any

from flwr.serverapp.strategy import Strategy

Fault = tuple[str, str]
"""The option, and what is wrong with it."""


def cohort_faults(strategy: Strategy, silos: int) -> list[str]:
    """Return what is wrong with the numbers by which a strategy, or one that it wraps, draws silos: a line each.

    Parameters
    ----------
    strategy : Strategy
        Flower's names of the numbers count: ``fraction_train``, ``min_train_nodes``, ``min_available_nodes`` and so on.
    silos : int
        How many there are; no more will ever connect.
    """
    return [f"'{name}' {line}" for each in wrapped(strategy) for name, line in _faults(each, silos)]


def wrapped(strategy: Strategy) -> Iterator[Strategy]:
    """Yield a strategy, what it wraps (``strategy.strategy``), and so on."""
    seen: list[Strategy] = []
    while isinstance(strategy, Strategy) and not any(strategy is each for each in seen):
        seen.append(strategy)
        yield strategy
        strategy = getattr(strategy, "strategy", None)  # type: ignore[assignment]


def drawn(strategy: Strategy, silos: int, what: str = "train") -> int | None:
    """Return how many silos a strategy draws to train or evaluate as Flower's FedAvg would, None where it says not."""
    fraction, least = getattr(strategy, f"fraction_{what}", None), getattr(strategy, f"min_{what}_nodes", None)
    if fraction is None or least is None:
        return None
    return max(int(silos * fraction), least) if fraction else 0


def _faults(strategy: Strategy, silos: int) -> Iterator[Fault]:
    faults = [
        fault
        for what in ("train", "evaluate")
        for fault in (*_fraction(strategy, what, silos), *_least(strategy, f"min_{what}_nodes", what, silos))
    ]
    others = (_least(strategy, "min_available_nodes", "", silos), _wrapper(strategy, silos))
    yield from faults or [*others[0], *others[1], *_malicious(strategy, silos)]


def _fraction(strategy: Strategy, what: str, silos: int) -> Iterator[Fault]:
    name = f"fraction_{what}"
    value: Any = getattr(strategy, name, 1.0)
    if not _is_a(numbers.Real, value) or math.isnan(value):
        yield name, f"must be a number from 0 to 1, not {value!r}"
    elif not 0 <= value <= 1:
        yield name, f"is {value:g}: it must lie from 0 to 1, a share of the {silos} silos"
    elif what == "train" and value == 0:
        yield name, f"is 0: none of the {silos} silos would train"


def _least(strategy: Strategy, name: str, what: str, silos: int) -> Iterator[Fault]:
    value: Any = getattr(strategy, name, 0)
    if not _is_a(numbers.Integral, value):
        yield name, f"must be a whole number, not {value!r}"
    elif value < 0:
        yield name, f"is {value}: it must be from 0 to {silos}, the number of silos"
    elif value > silos and getattr(strategy, f"fraction_{what}", True):
        yield name, f"is {value}, and there are {silos} silos: the round would wait for ever"


def _malicious(strategy: Strategy, silos: int) -> Iterator[Fault]:
    """Look at how many of a cohort are taken for malicious: of no honest silo nothing can be learnt."""
    told: Any = getattr(strategy, "num_malicious_nodes", None)
    cohort = drawn(strategy, silos)
    if told is not None and cohort and not (_is_a(numbers.Integral, told) and 0 <= told < cohort):
        yield "num_malicious_nodes", f"is {told!r}: it must be a whole number below {cohort}, the silos of a round"


def _is_a(kind: type, value: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _wrapper(strategy: Strategy, silos: int) -> Iterator[Fault]:
    """Look at the cohort for which a wrapper of Flower's scales its noise."""
    told: Any = getattr(strategy, "num_sampled_clients", None)
    inner = getattr(strategy, "strategy", None)
    cohort = drawn(inner, silos) if isinstance(inner, Strategy) and not [*_faults(inner, silos)] else None
    if told is not None and cohort is not None and told != cohort:
        yield (
            "num_sampled_clients",
            f"is {told!r}, and a round draws {cohort} of {silos} silos: the noise would not fit",
        )
