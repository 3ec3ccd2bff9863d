import pytest
from support.toys import open_toy, train_messages

from fedasr.common.randomness import Streams
from fedasr.grid.drop_out import REASON, DropOut
from fedasr.grid.exchange import Mean, Request
from fedasr.grid.rules import Rules
from fedasr.grid.workers import Workers
from fedasr.messages.kinds import EVALUATE, SPEECH, TRAIN


def _gone(drop_out: DropOut, round: int, silos: range) -> set[int]:
    return {o.request.silo for o in drop_out(round, [Request(s, s, TRAIN, 0) for s in silos])[1]}


def test_who_drops_out_depends_on_seed_round_and_silo_alone() -> None:
    drop_out = DropOut(0.4, Streams(1))
    assert _gone(drop_out, 1, range(50)) == _gone(drop_out, 1, range(50))
    assert _gone(drop_out, 1, range(10)) == {silo for silo in _gone(drop_out, 1, range(50)) if silo < 10}
    assert len({frozenset(_gone(DropOut(0.4, Streams(s)), r, range(50))) for s in (1, 2) for r in (1, 2)}) == 4
    assert 300 < sum(len(_gone(drop_out, round, range(50))) for round in range(20)) < 500


def test_only_training_is_missed() -> None:
    requests = [Request(0, 0, SPEECH, 0), Request(1, 1, EVALUATE, 0)]
    assert DropOut(0.999, Streams(1))(1, requests) == (requests, [])


@pytest.mark.parametrize("averaged", [True, False])
def test_the_others_go_on_and_the_missing_say_why(workers: Workers, averaged: bool) -> None:
    drop_out = DropOut(0.5, Streams(1))
    grid = open_toy(workers, 12, rules=Rules(drop_out=drop_out))
    gone = _gone(drop_out, 0, range(12))
    answers = grid.exchange(train_messages(grid), round=0, mean=Mean() if averaged else None)
    errors = [reply.error.reason for reply in answers.replies if reply.has_error()]
    assert errors == [REASON] * len(gone)
    assert 0 < len(gone) < 12
    assert {outcome.request.silo for outcome in answers.failed} == gone
    assert {outcome.request.silo for outcome in answers.outcomes if outcome.dropped_out} == gone
    up = {line.silo for line in grid.log.traffic if line.direction == "up"}
    assert up == set(range(12)) - gone
    assert sum(line.direction == "down" for line in grid.log.traffic) == 12


def test_a_round_in_which_all_drop_out_has_no_reply(workers: Workers) -> None:
    grid = open_toy(workers, 2, rules=Rules(drop_out=DropOut(0.999999, Streams(1))))
    answers = grid.exchange(train_messages(grid), round=0, mean=Mean())
    assert answers.answered == 0
    assert [reply.has_error() for reply in answers.replies] == [True, True]
