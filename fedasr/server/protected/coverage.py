"""Which strategies a protection at the silos' boundary covers."""

from __future__ import annotations

from collections.abc import Iterator

from flwr.serverapp.strategy import Strategy

from fedasr.common.errors import UserError, told_of
from fedasr.experiment.row_spec import RowSpec
from fedasr.protection.boundary import BoundaryProtection
from fedasr.server.foreign.readers import averages
from fedasr.server.own_models import OwnModels
from fedasr.server.protected.row_protection import protection_name, row_protection

UNIFORM = "uniform"
"""The metric of a reply that is 1 in every silo."""
WEIGHTING = ("weighting", "weighted_by_key")
"""The options by which strategies are told how silos count."""


def boundary_protection(row: RowSpec, strategy: Strategy) -> BoundaryProtection | None:
    """Return the protection of a row, if it is one at the silos' boundary.

    Raises
    ------
    UserError
        As `row_protection`, and where the strategy wants more of the silos than the protection covers.
    """
    found = row_protection(row, strategy)
    if not isinstance(found, BoundaryProtection):
        return None
    with told_of(f"compare.{row.name}.protection"):
        if lines := [f"'{protection_name(row, strategy)}' {line}" for line in _misfits(row, strategy)]:
            raise UserError(*lines)
    return found


def _misfits(row: RowSpec, strategy: Strategy) -> Iterator[str]:
    name = type(strategy).__name__
    if type(strategy).start is not Strategy.start:
        yield f"covers rounds whose replies are averaged, and {name} has a loop of its own; take an averaging one"
    elif not averages(strategy):
        yield f"covers the mean of the replies alone, and {name} reads single ones; take an averaging one"
    if isinstance(strategy, OwnModels) and type(strategy).start is Strategy.start:
        yield "does not cover what silos tell of models of their own; take a strategy with one model"
    if needed := getattr(strategy, "needs_metrics", ()):
        yield f"leaves metrics in the silos, and {name} needs '{needed[0]}'; take another averaging one"
    if getattr(strategy, "fraction_evaluate", 0):
        yield "does not cover evaluation in the silos; leave fraction_evaluate at 0"
    weight = getattr(strategy, "weighted_by_key", UNIFORM)
    for option in WEIGHTING:
        if option in row.options and weight != UNIFORM:
            yield f"lets every silo count alike, and options.{option} is '{row.options[option]}'; leave it out"
