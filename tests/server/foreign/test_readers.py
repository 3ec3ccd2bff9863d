"""A strategy is given the mean of the replies only where nothing in it could read a single one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fedasr.strategies.bmuf import BMUF
from fedasr.strategies.fedavg import FedAvg
from fedasr.strategies.gtc import GTC
from fedasr.strategies.sync_sgd import SyncSGD
from flwr.serverapp import strategy as flower
from flwr.serverapp.strategy import Strategy

from fedasr.server.foreign.readers import averages


class Reads:
    """A mixin that looks at each reply."""

    def aggregate_train(self, server_round: int, replies: Any) -> Any:
        return super().aggregate_train(server_round, list(replies))  # type: ignore[misc]


class Checks:
    """A mixin that looks at replies where Flower checks them."""

    def _check_and_log_replies(self, replies: Any, is_train: bool, validate: bool = True) -> Any:
        return super()._check_and_log_replies(list(replies)[:3], is_train, validate)  # type: ignore[misc]


class Loops:
    def start(self, *arguments: Any, **others: Any) -> Any:
        return super().start(*arguments, **others)  # type: ignore[misc]


class Configures:
    def configure_train(self, *arguments: Any) -> Any:
        return super().configure_train(*arguments)  # type: ignore[misc]

    def aggregate_evaluate(self, *arguments: Any) -> Any:
        return super().aggregate_evaluate(*arguments)  # type: ignore[misc]

    def helper(self) -> int:
        return 1


class Declares:
    reduce = "weighted_mean"


class Anew(Reads, FedAvg):
    reduce = "weighted_mean"


OURS = (FedAvg, BMUF, GTC, SyncSGD)
THEIRS = (flower.FedAvg, flower.FedAvgM, flower.FedAdam, flower.FedAdagrad, flower.FedYogi, flower.FedProx)


def _made(*bases: type) -> Strategy:
    return type("Made", bases, {})(**_sizes(bases[-1]))  # type: ignore[no-any-return]


def _sizes(cls: type) -> dict[str, int]:
    return {"workers": 4, "blocks": 64} if issubclass(cls, BMUF) else {}


@pytest.mark.parametrize("cls", [*OURS, *THEIRS])
def test_the_family_of_averaging_is_given_the_mean(cls: type[Strategy]) -> None:
    assert averages(cls(**_sizes(cls)))


@pytest.mark.parametrize("mixin", [Reads, Checks, Loops])
@pytest.mark.parametrize("cls", [*OURS, *THEIRS])
def test_whoever_may_read_a_reply_is_given_all(cls: type, mixin: type) -> None:
    assert not averages(_made(mixin, cls))
    assert not averages(_made(type("Between", (mixin, cls), {})))  # a class between does not hide it


@pytest.mark.parametrize("cls", OURS)
def test_a_subclass_that_reads_no_reply_is_given_the_mean(cls: type) -> None:
    assert averages(_made(Configures, cls))
    assert averages(cls(**_sizes(cls)))


def test_a_declaration_covers_what_lies_behind_it_and_nothing_before_it() -> None:
    assert averages(Anew())
    assert averages(_made(Declares, Reads, flower.FedAvg))
    assert not averages(_made(Reads, Declares, flower.FedAvg))
    assert not averages(_made(Checks, Anew))
    assert not averages(type("Other", (FedAvg,), {"reduce": "all"})())


def _by_object(change: Callable[[Any], None], cls: type = FedAvg) -> Strategy:
    strategy = cls()
    change(strategy)
    return strategy  # type: ignore[no-any-return]


def test_what_an_object_brings_of_its_own_counts_too() -> None:
    def reads(strategy: Any) -> None:
        strategy.aggregate_train = lambda server_round, replies: (None, None)

    def tells(strategy: Any) -> None:
        strategy.train_metrics_aggr_fn = lambda contents, key: None

    def declares(strategy: Any) -> None:
        strategy.reduce = "weighted_mean"

    assert not averages(_by_object(reads))
    assert not averages(_by_object(tells))
    assert averages(_by_object(declares, type("Mine", (flower.FedAvg,), {})))
    assert not averages(_by_object(declares, flower.Krum))
    assert not averages(flower.FedAvg(train_metrics_aggr_fn=lambda contents, key: None))  # type: ignore[arg-type,return-value]


class Delegates(Strategy):
    """A wrapper that passes every question on to what it wraps."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy

    def __getattr__(self, name: str) -> Any:
        return getattr(self.strategy, name)

    def aggregate_train(self, server_round: int, replies: Any) -> Any:
        return self.strategy.aggregate_train(server_round, list(replies)[:1])


for _name in ("configure_train", "configure_evaluate", "aggregate_evaluate", "summary"):
    setattr(Delegates, _name, lambda self, *given: None)
Delegates.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]


def test_a_wrapper_does_not_speak_for_what_it_wraps() -> None:
    assert not averages(Delegates(FedAvg()))
