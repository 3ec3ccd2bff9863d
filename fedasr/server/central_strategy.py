"""What strategies without rounds of messages have in common: a ``start`` of their own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result, Strategy

from fedasr.server.central import Central


class CentralStrategy(Strategy):
    """A Flower strategy whose ``start`` is given a `Central` and does not go round by round.

    Attributes
    ----------
    protected : str, optional
        Whose training goes by the row's protection, in words before a clip; empty where all of it does, None where
        none does.
    """

    protected: ClassVar[str | None] = ""

    @abstractmethod
    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Run the strategy and return its result; ``result.arrays`` is the model, if there is one."""

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send nothing."""
        return []

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Aggregate nothing."""
        return None, None

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send nothing."""
        return []

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        """Aggregate nothing."""
        return None

    def summary(self) -> None:
        """Print nothing."""


def result_with(arrays: ArrayRecord) -> Result:
    """Return a Flower result that holds a model."""
    result = Result()
    result.arrays = arrays
    return result
