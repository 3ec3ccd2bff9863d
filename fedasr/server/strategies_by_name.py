"""Strategies by name: the entry-point group ``fedasr.strategies``, or an import path."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from flwr.serverapp import strategy as flower
from flwr.serverapp.strategy import Strategy

from fedasr.common.errors import UserError, nearest, told_of
from fedasr.common.registry import Registry
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.wire.codec import Codec
from fedasr.wire.codecs.dense import Dense
from fedasr.wire.codecs_by_name import build_codec

STRATEGIES: Registry[type[Strategy]] = Registry("strategy", "fedasr.strategies")
AVERAGING = (flower.FedAvg, flower.FedAvgM, flower.FedAdam, flower.FedAdagrad, flower.FedYogi, flower.FedProx)
"""Flower's strategies that read of the replies only their weighted mean (its FedAvg family)."""


def strategy_class(name: str) -> type[Strategy]:
    """Return the class of a registered name or of ``module:Class``.

    Raises
    ------
    UserError
        Where there is none.
    """
    found = STRATEGIES.find(name)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise UserError(f"'{name}' is not a Flower strategy (a subclass of flwr.serverapp.strategy.Strategy)")
    return found


def row_of(strategy: str) -> RowSpec:
    """Return a row for a strategy named on the command line."""
    cls = strategy_class(strategy)
    return RowSpec(cls.__name__.lower() if ":" in strategy else strategy, strategy)


def build_strategy(row: RowSpec, training: TrainingSpec, silos: int) -> Strategy:
    """Return the strategy of a row, its client sampling set from the training settings.

    Raises
    ------
    UserError
        Where an option does not exist or is refused.
    """
    cls = strategy_class(row.strategy)
    accepted = inspect.signature(cls).parameters
    takes_others = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    for option in row.options:
        if option not in accepted and not takes_others:
            names = list(accepted)
            raise UserError(f"compare.{row.name}.options: unknown option '{option}'{nearest(option, names)}")
    sampling = {k: v for k, v in _sampling(training, silos).items() if k in accepted or takes_others}
    size = {"workers": sampled(training, silos), "blocks": training.rounds}
    sampling |= {k: v for k, v in size.items() if k in accepted}
    if "strategy" in accepted:  # Flower's wrappers, such as those of differential privacy, are given what they wrap
        sampling["strategy"] = flower.FedAvg(**_sampling(training, silos))
    try:
        return cls(**{**sampling, **row.options})
    except (TypeError, ValueError, UserError) as error:
        raise UserError(f"compare.{row.name}.options: {error}") from error


def codec_of(row: RowSpec, strategy: Strategy) -> Codec:
    """Return the codec that a row names, or that its strategy proposes.

    Raises
    ------
    UserError
        Where a name or an option is not known.
    """
    proposed: Codec = getattr(strategy, "codec", None) or Dense()
    return named_codec(row) or proposed


def named_codec(row: RowSpec) -> Codec | None:
    """Return the codec that a row names, None where it leaves the choice to its strategy; errors as `codec_of`."""
    if row.codec != "auto":
        with told_of(f"compare.{row.name}"):
            return build_codec(row.codec, row.codec_options, "codec_options")
    if row.codec_options:
        raise UserError(f"compare.{row.name}: codec_options need the codec they are for; set codec")
    return None


def sampled(training: TrainingSpec, silos: int) -> int:
    """Return how many silos a round draws."""
    return min(training.silos_per_round or silos, silos)


def _sampling(training: TrainingSpec, silos: int) -> Mapping[str, Any]:
    """Return the arguments by which Flower's strategies draw silos; none evaluates in the silos."""
    drawn = sampled(training, silos)
    return {
        "fraction_train": drawn / silos,
        "fraction_evaluate": 0.0,
        "min_train_nodes": drawn,
        "min_evaluate_nodes": 0,
        "min_available_nodes": drawn,
    }


def averages(strategy: Strategy) -> bool:
    """Return whether a strategy declares that it reads only the weighted mean of the replies."""
    return getattr(strategy, "reduce", None) == "weighted_mean" or type(strategy) in AVERAGING


def wants_central(strategy: Strategy) -> bool:
    """Return whether a strategy has a ``start`` of its own that is given a `Central`."""
    return "central" in inspect.signature(strategy.start).parameters
