"""The log of exchanges: whoever reports a round drains it, and what was reported is not reported again."""

import pytest

from fedasr.grid.exchange import Outcome, Request
from fedasr.grid.exchange_log import ExchangeLog
from fedasr.messages.kinds import EVALUATE, LABEL, TRAIN, Kind
from fedasr.messages.traffic import Traffic


def _added(log: ExchangeLog, round: int, kind: Kind) -> tuple[list[Traffic], tuple[Outcome, ...]]:
    """Note one message, and return what a report of it alone would hold."""
    message, outcome = Traffic(round, 0, "down", kind.name, 5, 1), Outcome(Request(0, 0, kind, 0), None, "late")
    log.add(round, [message], [outcome])
    return [message], (outcome,)


def test_a_report_holds_everything_since_the_last() -> None:
    log = ExchangeLog()
    first, _ = _added(log, 1, LABEL)
    second, last = _added(log, 1, LABEL)
    assert log.drain() == (first + second, last)
    assert log.drain() == ([], ())


@pytest.mark.parametrize("kinds", [(TRAIN, EVALUATE), (EVALUATE, TRAIN), (LABEL, TRAIN, EVALUATE)])
def test_outcomes_are_those_of_the_training_whatever_else_was_sent(kinds: tuple[Kind, ...]) -> None:
    log = ExchangeLog()
    for kind in kinds:
        _added(log, 1, kind)
    assert [outcome.request.kind for outcome in log.drain()[1]] == [TRAIN]


def test_of_two_trainings_the_last_counts() -> None:
    log = ExchangeLog()
    _, one = _added(log, 1, TRAIN)
    _, other = _added(log, 1, TRAIN)
    assert one is not other
    assert log.drain()[1][0] is other[0]


def test_rounds_that_an_interrupted_run_reported_are_left_out() -> None:
    log = ExchangeLog(reported=2)
    _added(log, 0, LABEL)
    _added(log, 2, TRAIN)
    assert log.drain() == ([], ())
    _added(log, 2, TRAIN)
    found = _added(log, 3, LABEL)
    assert log.drain() == found
