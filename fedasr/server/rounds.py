"""The coordinator: drives a strategy over a grid, round by round, so that it can stop and go on."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from fedasr.asr.recogniser import Weights
from fedasr.common.errors import RowError, UserError
from fedasr.common.plug_ins import told
from fedasr.common.randomness import seeded_libraries
from fedasr.grid.exchange import Answers, Mean
from fedasr.grid.silo_grid import SiloGrid
from fedasr.messages.finite import not_finite
from fedasr.messages.records import array_record, arrays_of
from fedasr.server.attendance import check_attendance
from fedasr.server.central import Central
from fedasr.server.foreign.given_grid import GivenGrid
from fedasr.server.foreign.next_model import Aggregated, aggregated, overheard
from fedasr.server.foreign.own_loop import has_own_start, run_own_loop, wants_central
from fedasr.server.foreign.readers import averages
from fedasr.server.own_models import OwnModels, ask_own_models
from fedasr.server.protected.boundary_round import BoundaryRound, nothing_asked
from fedasr.server.protected.coverage import UNIFORM
from fedasr.server.saved_round import resumed, saved
from fedasr.server.teaching import send_teacher
from fedasr.silo.heeded import is_heeded
from fedasr.training.losses import number_or_none

log = logging.getLogger("fedasr")


def drive(strategy: Strategy, grid: SiloGrid, central: Central) -> Weights | None:
    """Run a strategy to its end and return the model, None where no single one comes of it.

    Raises
    ------
    RowError
        Where it cannot go on.
    """
    mean = Mean(getattr(strategy, "weighted_by_key", "num-examples")) if averages(strategy) else None
    try:
        if not wants_central(strategy):
            send_teacher(central)
        model = _driven(strategy, grid, central, mean)
    except (RowError, UserError):
        raise
    except Exception as error:  # a strategy may be anybody's: its failure ends its own row
        log.debug("the strategy of row %s failed", central.row.name, exc_info=True)
        cls = type(strategy)
        raise RowError(f"{cls.__name__}: {told(error, cls.__module__)}{_mend(error)}") from error
    if model is not None and (bad := not_finite(model)):
        raise RowError(f"{type(strategy).__name__}: the model holds values that are not finite in '{bad}'")
    return model


def _mend(error: Exception) -> str:
    """Return what to do where a strategy reads a setting of local training that nobody has written."""
    if isinstance(error, KeyError) and any(is_heeded(str(key)) for key in error.args):
        return (
            "; the configuration holds what the strategy itself wrote there: begin from a number of its own (an "
            "argument client_learning_rate is given the row's rate)"
        )
    return ""


def _driven(strategy: Strategy, grid: SiloGrid, central: Central, mean: Mean | None) -> Weights | None:
    if wants_central(strategy):
        before = grid.of_round(0, mean)
        result = strategy.start(before, array_record(central.start), central=central)  # type: ignore[call-arg]
        return arrays_of(result.arrays) if result.arrays else None
    run = run_own_loop if has_own_start(strategy) else run_rounds
    return run(strategy, grid, central, mean)


def run_rounds(strategy: Strategy, grid: SiloGrid, central: Central, mean: Mean | None = None) -> Weights | None:
    """Do what Flower's ``Strategy.start`` does, with evaluation, checkpoints and seeded sampling.

    Each round's draws from global generators (Flower samples clients so) come from that round's own
    stream; a resumed row therefore draws what an uninterrupted one draws.

    Raises
    ------
    RowError
        Where a round makes no model, or too few silos reply.
    """
    training, evaluated = central.training, False if isinstance(strategy, OwnModels) else None
    if central.boundary is not None:
        guarantee = central.boundary.guarantee
        central.releases.promise(guarantee.promise, guarantee.sampling, guarantee.trust)
    arrays, first, configs = array_record(central.start), 1, Configs()
    found = resumed(strategy, central)
    if found:
        first, (arrays, *written) = found[0] + 1, found[1]
        configs = Configs(*written)
    else:
        central.after_round(0, training.rounds, lambda: central.start, lambda: None, evaluate=evaluated)
    for round in range(first, training.rounds + 1):
        turn = Turn(strategy, grid, central, round, mean, configs)
        with seeded_libraries(central.streams.sequence("strategy", round)):
            arrays, metrics = turn.train(arrays)
            evaluation = turn.evaluate(arrays)
        beside = [arrays, configs.train, configs.evaluate]
        model, state = partial(arrays_of, arrays), partial(saved, strategy, beside, central)
        central.after_round(round, training.rounds, model, state, _loss(metrics), evaluated, evaluation=evaluation)
    if isinstance(strategy, OwnModels):
        ask_own_models(central, strategy.common(array_record(central.scored.weights(arrays_of(arrays)))))
        return None
    return arrays_of(arrays)


@dataclass(frozen=True)
class Configs:
    """What a strategy writes for the silos: Flower gives it the same two records in every round."""

    train: ConfigRecord = field(default_factory=ConfigRecord)
    evaluate: ConfigRecord = field(default_factory=ConfigRecord)


@dataclass(frozen=True)
class Turn:
    """One round of a strategy: what it sends is delivered in that round, replies averaged where it declares so."""

    strategy: Strategy
    grid: SiloGrid
    central: Central
    round: int
    mean: Mean | None
    configs: Configs

    def train(self, arrays: ArrayRecord) -> Aggregated:
        """Let silos train and the strategy aggregate."""
        messages = list(self.strategy.configure_train(self.round, arrays, self.configs.train, self._given()))
        who = f"round {self.round}: {type(self.strategy).__name__}"
        if not messages:
            raise RowError(f"{who} asked no silo to train")
        replies = self._trained(messages)
        with overheard() as said:
            found = self.strategy.aggregate_train(self.round, replies)
        return aggregated(who, found, arrays, said)

    def _trained(self, messages: list[Message]) -> list[Message]:
        """Return what the strategy is given of the silos that it asks."""
        boundary = self.central.boundary
        if boundary is not None:
            key = getattr(self.strategy, "weighted_by_key", UNIFORM)
            return [BoundaryRound(boundary, self.central, self.grid, self.round).reply(messages, key)]
        answers = self._asked(messages)
        check_attendance(self.central, self.round, answers.outcomes)
        return list(answers.replies)

    def evaluate(self, arrays: ArrayRecord) -> dict[str, float] | None:
        """Let the strategy evaluate in the silos, where it wants to, and return what it made of their replies.

        Raises
        ------
        RowError
            Where no silo that it asked could evaluate, and where no protection covers their answers.
        """
        messages = list(self.strategy.configure_evaluate(self.round, arrays, self.configs.evaluate, self._given()))
        if messages and self.central.boundary is not None:
            raise RowError(f"round {self.round}: evaluation in the silos is not covered by the row's protection")
        answers = self._asked(messages)
        if answers.outcomes and not answers.answered:
            first = answers.failed[0]
            raise RowError(f"round {self.round}: no silo evaluated (silo {first.request.silo}: {first.error})")
        metrics = self.strategy.aggregate_evaluate(self.round, list(answers.replies))
        return numbers(metrics) if answers.outcomes else None

    def _given(self) -> Grid:
        """Return the grid that a strategy is given: under a protection at the boundary it may not ask on it."""
        boundary = self.central.boundary
        grid = self.grid.of_round(self.round, self.mean) if boundary is None else nothing_asked(self.grid)
        return GivenGrid(type(self.strategy).__name__, self.grid.silos, lambda _: grid)

    def _asked(self, messages: Iterable[Message]) -> Answers:
        seconds = self.central.training.timeout_seconds
        return self.grid.exchange(messages, round=self.round, mean=self.mean, timeout=seconds)


def numbers(metrics: MetricRecord | None) -> dict[str, float]:
    """Return the single finite numbers among some metrics: what is neither is nothing to write down."""
    found = (metrics or MetricRecord()).items()
    return {name: float(value) for name, value in found if isinstance(value, (int, float)) and math.isfinite(value)}


def _loss(metrics: MetricRecord | None) -> float | None:
    value = metrics.get("loss") if metrics else None
    return number_or_none(float(cast(float, value))) if value is not None else None
