"""Strategies by name: the entry-point group ``fedasr.strategies``, or an import path."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flwr.serverapp import strategy as flower
from flwr.serverapp.strategy import Strategy

from fedasr.common.errors import UserError, told_of
from fedasr.common.plug_ins import plugged_in
from fedasr.common.settings import from_table
from fedasr.experiment.choices import named_codec
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.strategy_options import check_keywords, strategy_class, takes_others
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import Kind
from fedasr.protection.boundary import BoundaryProtection
from fedasr.server.foreign.refusals import faults
from fedasr.server.foreign.unsaid import unsaid
from fedasr.server.protected.row_protection import row_protection
from fedasr.wire.codec import Codec
from fedasr.wire.codecs.dense import Dense


def row_of(strategy: str) -> RowSpec:
    """Return a row for a strategy named on the command line."""
    cls = strategy_class(strategy)
    return RowSpec(cls.__name__.lower() if ":" in strategy else strategy, strategy)


def build_strategy(row: RowSpec, training: TrainingSpec, silos: int) -> Strategy:
    """Return the strategy of a row, its client sampling set from the training settings.

    A strategy that says what its settings are (``settings_class``, a frozen dataclass) is given them as its first
    argument; any other, such as Flower's own, is given the options of the row as keyword arguments.

    Raises
    ------
    UserError
        Where an option does not exist or is refused, or the strategy asks for what it cannot be given.
    """
    with told_of(f"compare.{row.name}"):
        cls: Any = strategy_class(row.strategy)
    where, given = f"compare.{row.name}.options", Given(training, silos, sampled(training, silos))
    with unsaid(row.options):
        found = _built(cls, row.options, where, given)
        if wrong := faults(found, row.options):
            raise UserError(*(f"{where}: {line}" for line in wrong))
        if isinstance(row_protection(row, found), BoundaryProtection):  # which draws the cohort, among all silos
            found = _built(cls, row.options, where, replace(given, addressed=silos))
    return found


def _built(cls: Any, options: Mapping[str, Any], where: str, numbers: Given) -> Strategy:
    given = numbers.of(cls)
    settings_class = getattr(cls, "settings_class", None)
    if settings_class is not None:
        settings = from_table(settings_class, options, where)
        with told_of(where):
            return _made(cls, (settings,), given)
    if "strategy" in options and "strategy" in given:  # what a wrapper wraps, by its name
        with told_of(where):
            if not isinstance(inner := options["strategy"], str):
                raise UserError(f"'strategy' must be the name of the strategy that is wrapped, not {inner!r}")
            wrapped = strategy_class(inner)
        options = {**options, "strategy": _built(wrapped, {}, where, numbers)}
    with told_of(where):
        return _with_keywords(cls, given, options)


def _with_keywords(cls: type[Strategy], given: Mapping[str, Any], options: Mapping[str, Any]) -> Strategy:
    check_keywords(cls, options)
    return _made(cls, (), {**given, **options})


def _made(cls: type[Strategy], settings: tuple[Any, ...], keywords: Mapping[str, Any]) -> Strategy:
    with plugged_in(cls.__name__, cls.__module__):
        return cls(*settings, **keywords)


@dataclass(frozen=True)
class Given:
    """The arguments that fedasr sets.

    Parameters
    ----------
    training : TrainingSpec
    silos : int
    addressed : int
        How many silos a strategy is to send a message to; fewer may be drawn of them afterwards.
    """

    training: TrainingSpec
    silos: int
    addressed: int

    def of(self, cls: type[Strategy]) -> dict[str, Any]:
        """Return those that a strategy takes."""
        accepted = inspect.signature(cls).parameters
        sampling = {k: v for k, v in self.sampling().items() if k in accepted or takes_others(cls)}
        drawn = sampled(self.training, self.silos)
        known = {
            "workers": drawn, "blocks": self.training.rounds, "num_sampled_clients": self.addressed,
            "client_learning_rate": self.training.learning_rate, "train_loss_key": "loss",
        }  # fmt: skip
        given = sampling | {k: v for k, v in known.items() if k in _handed_on(cls)}
        if "strategy" in accepted:  # Flower's wrappers, such as those of differential privacy, are given what they wrap
            given["strategy"] = flower.FedAvg(**self.sampling())
        return given

    def sampling(self) -> Mapping[str, Any]:
        """Return the arguments by which Flower's strategies draw silos; none evaluates unless its options say so."""
        return {
            "fraction_train": self.addressed / self.silos,
            "fraction_evaluate": 0.0,
            "min_train_nodes": self.addressed,
            "min_evaluate_nodes": 1,
            "min_available_nodes": self.addressed,
        }


def _handed_on(cls: type[Strategy]) -> set[str]:
    """Return the arguments that a class takes by name, and those that it hands on to the classes it comes from."""
    found: set[str] = set()
    for base in cls.__mro__:
        if "__init__" in vars(base):
            parameters = inspect.signature(base).parameters
            found |= parameters.keys()
            if not takes_others(base):
                break
    return found


def codec_of(row: RowSpec, strategy: Strategy) -> Codec:
    """Return the codec that a row names, or that its strategy proposes.

    Raises
    ------
    UserError
        Where a name or an option is not known.
    """
    proposed: Codec = getattr(strategy, "codec", None) or Dense()
    return named_codec(row) or proposed


def sampled(training: TrainingSpec, silos: int) -> int:
    """Return how many silos a round draws."""
    return min(training.silos_per_round or silos, silos)


def asked_by(strategy: Strategy) -> tuple[Kind, ...]:
    """Return the kinds of messages that a strategy says it asks for, of those that silos answer only by consent."""
    asks = tuple(getattr(strategy, "asks", ()))
    if not all(isinstance(kind, Kind) for kind in asks):
        raise UserError(f"{type(strategy).__name__}.asks must hold kinds of messages (fedasr.messages.kinds)")
    return asks
