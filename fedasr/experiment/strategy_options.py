"""Which strategies there are (the entry-point group ``fedasr.strategies``), and which options each takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from flwr.serverapp.strategy import Strategy

from fedasr.common.errors import UserError, nearest, told_of
from fedasr.common.registry import Registry
from fedasr.common.settings import from_table
from fedasr.experiment.row_spec import RowSpec

STRATEGIES: Registry[type[Strategy]] = Registry("strategy", "fedasr.strategies")


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


def strategy_of(row: RowSpec) -> type[Strategy]:
    """Return the class of a row's strategy; what only a built one refuses, the run tells.

    Raises
    ------
    UserError
        Where its name or an option is not known, or a setting is out of range.
    """
    with told_of(f"compare.{row.name}"):
        cls = strategy_class(row.strategy)
    where = f"compare.{row.name}.options"
    settings = getattr(cls, "settings_class", None)
    if settings is not None:
        from_table(settings, row.options, where)
    else:
        with told_of(where):
            check_keywords(cls, row.options)
    return cls


def check_keywords(cls: type[Strategy], options: Mapping[str, Any]) -> None:
    """Refuse options that a class without settings has no argument for.

    Raises
    ------
    UserError
        A line for each, with the nearest name.
    """
    accepted = inspect.signature(cls).parameters
    unknown = [] if takes_others(cls) else [name for name in options if name not in accepted]
    if unknown:
        raise UserError(*(f"unknown option '{name}'{nearest(name, accepted)}" for name in unknown))


def takes_others(cls: type[Strategy]) -> bool:
    """Return whether a class takes keyword arguments that it does not name."""
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(cls).parameters.values())
