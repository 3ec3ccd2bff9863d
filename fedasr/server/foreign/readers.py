"""Whether a strategy reads single replies, or only their mean, which may be made where the replies are."""

from __future__ import annotations

from collections.abc import Iterator

from flwr.serverapp import strategy as flower
from flwr.serverapp.strategy import Strategy
from flwr.serverapp.strategy.strategy_utils import aggregate_metricrecords

AVERAGING: tuple[type[Strategy], ...] = (
    flower.FedAvg, flower.FedAvgM, flower.FedAdam, flower.FedAdagrad, flower.FedYogi, flower.FedProx,
)  # fmt: skip
"""Flower's strategies that read of the replies only their weighted mean (its FedAvg family)."""
WEIGHTED_MEAN = "weighted_mean"
READ_NO_TRAINING = frozenset({"configure_train", "configure_evaluate", "aggregate_evaluate", "summary"})
"""Methods that are never given a reply to training: a subclass may override them and still be given the mean."""


def averages(strategy: Strategy) -> bool:
    """Return whether a strategy reads only the weighted mean of the replies.

    It says so in its class (``reduce = "weighted_mean"``), or is one of `AVERAGING`. That is said of its own methods:
    a subclass, a mixin or an object that brings another in the place of one of them is given every reply. So is a
    strategy with a function of its own for the replies' metrics.
    """
    if getattr(strategy, "train_metrics_aggr_fn", aggregate_metricrecords) is not aggregate_metricrecords:
        return False
    declaring = _declaring(strategy)
    if declaring is None or getattr(strategy, "reduce", WEIGHTED_MEAN) != WEIGHTED_MEAN:
        return False
    return not any(_may_read(name, declaring, strategy) for name in _brought(strategy, declaring))


def _declaring(strategy: Strategy) -> type | None:
    """Return the class of which it is said that it reads the mean alone."""
    own = type(strategy)
    said = [own] if own in AVERAGING else [cls for cls in own.__mro__ if "reduce" in vars(cls)]
    if not said and "reduce" in vars(strategy):  # said of one object: of what Flower's own class of it has
        said = [cls for cls in own.__mro__ if cls in AVERAGING]
    return next(iter(said), None)


def _brought(strategy: Strategy, declaring: type) -> Iterator[str]:
    """Yield the names of all methods that the object, or a class before `declaring`, brings of its own."""
    yield from (name for name, value in vars(strategy).items() if _is_method(value))
    for cls in type(strategy).__mro__:
        if cls is declaring:
            return
        yield from (name for name in vars(cls) if _is_method(getattr(cls, name)))


def _may_read(name: str, declaring: type, strategy: Strategy) -> bool:
    """Return whether a name stands for a method of the declaring class that may be given a reply to training."""
    mro = type(strategy).__mro__
    behind = any(name in vars(cls) for cls in mro[mro.index(declaring) :])
    is_special = name.startswith("__") and name != "__getattribute__"
    return behind and not is_special and name not in READ_NO_TRAINING


def _is_method(value: object) -> bool:
    return callable(value) and not isinstance(value, type)  # a class is a setting, such as ``settings_class``
