"""What a Flower strategy asks for and cannot be given here, told before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flwr.serverapp import strategy as flower
from flwr.serverapp.strategy import Strategy
from flwr.serverapp.strategy.fedopt import FedOpt

from fedasr.server.foreign.cohort import wrapped
from fedasr.server.foreign.own_loop import start_fault

NEED_MODS: dict[type[Strategy], str] = {
    flower.DifferentialPrivacyClientSideFixedClipping: "fixedclipping_mod",
    flower.DifferentialPrivacyClientSideAdaptiveClipping: "adaptiveclipping_mod",
}
"""Strategies that leave a part of their work to a mod, which Flower's users add to their ClientApp."""
ONLY_PRINTED: dict[type[Strategy], Mapping[str, str]] = {
    FedOpt: {"eta_l": "training.learning_rate"},
}
"""Options that Flower's classes print and never use, and the setting that does what they say."""


def faults(strategy: Strategy, options: Mapping[str, Any]) -> list[str]:
    """Return what a strategy, with the options that a row gives it, asks for in vain: a line each."""
    return [*_starts(strategy), *_mods(strategy), *_without_effect(strategy, options)]


def _starts(strategy: Strategy) -> Iterator[str]:
    if fault := start_fault(strategy):
        yield fault


def _mods(strategy: Strategy) -> Iterator[str]:
    for each in wrapped(strategy):
        for cls, mod in NEED_MODS.items():
            if isinstance(each, cls):
                yield (
                    f"{cls.__name__} needs Flower's {mod} in the silos, which run no mods: nothing would be clipped; "
                    "for privacy of silos use strategy = 'dp-fedavg'"
                )


def _without_effect(strategy: Strategy, options: Mapping[str, Any]) -> Iterator[str]:
    for cls, names in ONLY_PRINTED.items():
        if isinstance(strategy, cls):
            yield from (
                f"'{name}' takes no effect: Flower only prints it; set {other}"
                for name, other in names.items()
                if name in options
            )
    for what in ("train", "evaluate"):
        name = f"min_{what}_nodes"
        if name in options and getattr(strategy, f"fraction_{what}", None) == 0:
            yield f"'{name}' takes no effect; it goes with a fraction_{what} above 0"
