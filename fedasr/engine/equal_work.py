"""Equal work by construction: how long rows train where ``[work] utterances`` says how much, and who does not fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from flwr.serverapp.strategy import Strategy

from fedasr.common.errors import RowError, UserError
from fedasr.experiment.choices import protection_of
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.protection.boundary import BoundaryProtection
from fedasr.protection.protection import Protection
from fedasr.server.client_of import client_of
from fedasr.server.protected.coverage import boundary_protection
from fedasr.server.strategies_by_name import build_strategy, sampled
from fedasr.server.work.recipe import ONE_CYCLE, Recipe, recipe_of
from fedasr.server.work.workload import ROUNDS, Asked, RowWork, workload_of


def at_equal_work(experiment: Experiment, sizes: tuple[int, ...]) -> Experiment:
    """Return the experiment with the rounds, steps or epochs of its rows as its work asks, where they state none.

    Parameters
    ----------
    experiment : Experiment
    sizes : tuple of int
        The utterances that each silo trains on.

    Raises
    ------
    UserError
        For rows that do not take what the others do, a line each.
    """
    if not experiment.work.utterances:
        return experiment
    rows, wrong = [], []
    for row in experiment.compare:
        worker = RowAtWork(experiment, row, sizes)
        try:
            rows.append(worker.fitted())
            wrong += list(replace(worker, row=rows[-1]).mistakes())
        except UserError as error:
            wrong += error.lines
    if wrong:
        raise UserError(*(f"{experiment.name}: {line}" for line in wrong))
    return experiment.only(compare=tuple(rows))


@dataclass(frozen=True)
class RowAtWork:
    """A row, and how much each of its silos holds.

    Parameters
    ----------
    experiment : Experiment
    row : RowSpec
    sizes : tuple of int
    """

    experiment: Experiment
    row: RowSpec
    sizes: tuple[int, ...]

    @property
    def training(self) -> TrainingSpec:
        """Its rounds and local work."""
        return self.experiment.training_of(self.row)

    @cached_property
    def strategy(self) -> Strategy:
        """Its strategy."""
        return build_strategy(self.row, self.training, len(self.sizes))

    @property
    def protection(self) -> Protection:
        """Its protection."""
        return boundary_protection(self.row, self.strategy) or protection_of(self.row)

    @property
    def asked(self) -> Asked:
        """What is asked of its silos."""
        share = sampled(self.training, len(self.sizes)) / len(self.sizes)
        return Asked(self.training, self.experiment.central_of(self.row), self.sizes, share, self.protection.lot)

    @property
    def workload(self) -> RowWork | None:
        """What it is set to take; None where its strategy, or `batch_seconds`, cannot tell."""
        found = workload_of(self.strategy, client_of(self.row, self.strategy, self.training), self.asked)
        return None if found is None or math.isnan(found.of_one) else found

    def recipe(self) -> dict[str, str]:
        """Return how it trains, by names in words."""
        found = recipe_of(self.strategy, self.training, self.experiment.central_of(self.row))
        if found != Recipe():
            said, whose = self.protection.said(found.schedule == ONE_CYCLE), getattr(self.strategy, "protected", "")
            bounds_replies = self.protection.bounds_replies or isinstance(self.protection, BoundaryProtection)
            found = found.protected(said, bounds_replies, whose or "")
        server: Any = getattr(self.strategy, "outer", None)
        found = replace(found, server=server.said()) if hasattr(server, "said") else found
        return {**found.cells(), **({"tuned": self.row.tuned} if self.row.tuned else {})}

    @property
    def is_paid(self) -> bool:
        """Whether a guarantee bounds what it takes."""
        if boundary_protection(self.row, self.strategy) is not None or (self.workload or RowWork()).is_paid:
            return True
        try:
            return self.protection.plan(min(self.sizes), 0, self.training.rounds).guarantee is not None
        except RowError:  # a promise that cannot be kept fails its row, which says why
            return True

    def fitted(self) -> RowSpec:
        """Return the row with as many rounds, steps or epochs as its work asks, unless it states them."""
        able = self if self._states(ROUNDS) else replace(self, row=self._with(ROUNDS, ENOUGH))
        found = able.workload
        if found is None or not found.key or not found.of_one or self._states(found.key):
            return self.row
        return self._with(found.key, max(1, round(self.experiment.work.utterances / found.of_one)))

    def _states(self, key: str) -> bool:
        table, name = key.split(".")
        return name in getattr(self.row, table)

    def _with(self, key: str, count: int) -> RowSpec:
        table, name = key.split(".")
        changed: dict[str, Any] = {table: {**getattr(self.row, table), name: count}}
        return replace(self.row, **changed)

    def mistakes(self) -> Iterator[str]:
        """Yield why the row does not take what the others do."""
        wanted, found, lead = self.experiment.work.utterances, self.workload, f"compare.{self.row.name}"
        if found is None:
            if self.training.batch_seconds:
                yield f"{lead}.training: nobody can say what a step of 'batch_seconds' takes; set 0, or local_epochs"
            elif not self.is_paid:
                yield f"{lead}.strategy: '{self.row.strategy}' does not say how much it takes (a method 'workload')"
            return
        far = found.utterances - wanted
        if not found.utterances or (far <= found.of_one if self.is_paid else abs(far) <= found.of_one):
            return
        fit = max(1, round(wanted / found.of_one)) if found.of_one else 0
        mend = f"; set {found.key} = {fit}, or leave it out" if found.key and fit else ""
        yield (
            f"{lead}: takes {found.utterances:,.0f} gradients of one utterance on the silos' speech, and "
            f"work.utterances is {wanted:,}{mend}"
        )


ENOUGH = 10**6
"""More rounds than any row runs: a strategy is built with so many only to ask what one of them takes."""
