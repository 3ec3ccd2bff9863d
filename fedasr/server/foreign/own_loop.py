"""Strategies with a ``start`` of their own (early stopping, another loop): it is called, with Flower's signature."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from fedasr.asr.recogniser import Weights
from fedasr.common.errors import RowError
from fedasr.common.randomness import kept_libraries, seed_libraries, seeded_libraries
from fedasr.grid.exchange import Mean, Outcome
from fedasr.grid.silo_grid import SiloGrid
from fedasr.messages.records import array_record, arrays_of
from fedasr.server.attendance import check_attendance
from fedasr.server.central import Central
from fedasr.server.foreign.given_grid import GivenGrid
from fedasr.server.foreign.next_model import check_model
from fedasr.training.losses import number_or_none, weighted_mean_of_known

log = logging.getLogger("fedasr")
GIVEN = tuple(inspect.signature(Strategy.start).parameters)[1:]
"""The names of what Flower's ``start`` takes."""


def has_own_start(strategy: Strategy) -> bool:
    """Return whether a strategy has a loop of its own in the place of Flower's."""
    return type(strategy).start is not Strategy.start or "start" in vars(strategy)


def wants_central(strategy: Strategy) -> bool:
    """Return whether a strategy has a ``start`` of its own that is given a `Central`."""
    return "central" in inspect.signature(strategy.start).parameters


def start_fault(strategy: Strategy) -> str | None:
    """Return why a strategy's own ``start`` cannot be called as Flower calls it, None where it can."""
    if wants_central(strategy):
        return None
    try:
        inspect.signature(strategy.start).bind(**dict.fromkeys(GIVEN))
    except TypeError as error:
        return f"{type(strategy).__name__}.start does not take what Flower's does ({', '.join(GIVEN)}): {error}"
    return None


def run_own_loop(strategy: Strategy, grid: SiloGrid, central: Central, mean: Mean | None) -> Weights:
    """Call a strategy's own ``start``, and return the model of its result.

    It cannot be stopped and gone on with: a resumed row begins anew.

    Raises
    ------
    RowError
        Where it trained no silo, or returned no model.
    """
    name = central.row.name
    log.warning(
        "%s: %s has a start of its own: no checkpoint, a resumed row begins anew", name, type(strategy).__name__
    )
    central.scored.only_last()
    loop, training = OwnLoop(grid, central, mean), central.training
    given = GivenGrid(type(strategy).__name__, grid.silos, loop.grid_for)
    with seeded_libraries(central.streams.sequence("strategy", 1)):
        result = strategy.start(
            grid=given, initial_arrays=array_record(central.start), num_rounds=training.rounds,
            timeout=training.timeout_seconds, train_config=ConfigRecord(), evaluate_config=ConfigRecord(),
            evaluate_fn=loop.evaluate,
        )  # fmt: skip
    arrays = getattr(result, "arrays", None)
    if not loop.round:
        raise RowError("its start asked no silo to train")
    if not arrays:
        raise RowError("its start returned no model: nothing was aggregated")
    check_model(arrays, array_record(central.start), "its start returned")
    loop.finish(arrays)
    return arrays_of(arrays)


class OwnLoop:
    """The rounds of such a loop: one begins with each exchange that trains.

    A round ends, is reported, and its model is scored on the development speakers, where ``evaluate_fn`` is called, as
    Flower's ``start`` does at the end of each; the next round's draws from global generators then come from that
    round's own stream, as in every other row.

    Parameters
    ----------
    grid : SiloGrid
    central : Central
    mean : Mean or None

    Attributes
    ----------
    round : int
        The round that began last; 0 before any did.
    """

    def __init__(self, grid: SiloGrid, central: Central, mean: Mean | None) -> None:
        self._grid, self._central, self._mean = grid, central, mean
        self._is_open = True
        self.round = 0

    def grid_for(self, messages: Sequence[Message]) -> Grid:
        """Return the grid of the round in which some messages are sent."""
        if any(self._grid.rules.kind(message.metadata.message_type).trains for message in messages):
            self._begin()
        return self._grid.of_round(self.round if self._is_open else self.round + 1, self._mean)

    def evaluate(self, server_round: int, arrays: ArrayRecord) -> MetricRecord | None:
        """Return what a model does on the development speakers (Flower's ``evaluate_fn``); it ends the round."""
        check_model(arrays, array_record(self._central.start), "evaluate_fn was given")
        if self._is_open:
            found = self._end(partial(arrays_of, arrays))
        else:
            with kept_libraries():
                found = self._central.evaluated(arrays_of(arrays))
        known = {name: value for name, value in zip(("wer", "loss"), found, strict=True) if value is not None}
        return MetricRecord(known) if known else None  # type: ignore[arg-type]

    def finish(self, arrays: ArrayRecord) -> None:
        """End the last round, if nobody has."""
        if self._is_open:
            self._end(partial(arrays_of, arrays))

    def _begin(self) -> None:
        if self._is_open:
            self._end(None if self.round else lambda: self._central.start)
        self.round, self._is_open = self.round + 1, True

    def _end(self, model: Callable[[], Weights] | None) -> tuple[float | None, float | None]:
        """Report the round; without a model nothing can be scored."""
        central, outcomes = self._central, self._grid.log.outcomes if self.round else ()
        if outcomes:
            check_attendance(central, self.round, outcomes)
        found = central.after_round(
            self.round, central.training.rounds, model or (lambda: central.start), lambda: None, _loss(outcomes),
            evaluate=None if model else False,
        )  # fmt: skip
        self._is_open = False
        following = central.streams.sequence("strategy", self.round + 1)
        seed_libraries(*following.generate_state(3, np.uint32).tolist())
        return found


def _loss(outcomes: Sequence[Outcome]) -> float | None:
    """Return the mean training loss of those that replied, by their utterances, as Flower's FedAvg would."""
    pairs = [(o.metric("loss"), o.metric("num-examples")) for o in outcomes]
    told = [(loss, weight) for loss, weight in pairs if loss is not None and weight is not None]
    total = sum(weight for _, weight in told)
    if not total > 0:
        return None
    return number_or_none(weighted_mean_of_known([loss for loss, _ in told], [weight / total for _, weight in told]))
