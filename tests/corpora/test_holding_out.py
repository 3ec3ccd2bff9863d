"""What silos hold out of their own speech."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.running import tiny_table

from fedasr.common.errors import UserError
from fedasr.common.randomness import Streams
from fedasr.corpora.holding_out import count_of, hold_out, told_of_small
from fedasr.corpora.partition import Partition
from fedasr.corpora.spec import CorpusSpec
from fedasr.experiment.experiment import Experiment

shares = st.floats(0.01, 0.99)
sizes = st.lists(st.integers(1, 30), min_size=1, max_size=5)


def _partition(sizes: list[int]) -> Partition:
    silos = tuple(tuple(f"{silo}-{place}" for place in range(size)) for silo, size in enumerate(sizes))
    return Partition("natural", silos, ("p",), (), ("d",), ("t",))


@given(sizes, shares, st.integers(0, 99))
def test_each_utterance_is_trained_on_or_held_out_and_never_both(sizes: list[int], share: float, seed: int) -> None:
    before = _partition(sizes)
    found = hold_out(before, share, Streams(seed))
    for silo, ids in enumerate(before.silos):
        own, held = found.silos[silo], found.held_out_by(silo)
        assert not set(own) & set(held)
        assert set(own) | set(held) == set(ids)
        assert [name for name in ids if name in own] == list(own)
        assert own
        assert len(held) == math.floor(Decimal(str(share)) * len(ids))
    assert found.in_silos() == before.in_silos()


@pytest.mark.parametrize(
    ("utterances", "share", "held"),
    [
        (4, 0.2, 0),
        (5, 0.2, 1),
        (9, 0.2, 1),
        (10, 0.2, 2),
        (100, 0.29, 29),
        (100, 0.57, 57),
        (10, 0.1, 1),
        (1, 0.999, 0),
    ],
)
def test_a_share_is_the_one_that_is_written_and_is_rounded_down(utterances: int, share: float, held: int) -> None:
    """In binary 0.29 of 100 is less than 29."""
    assert count_of(utterances, share) == held


def test_silos_hold_out_a_fifth_where_nobody_says_otherwise() -> None:
    assert CorpusSpec().held_out == 0.2


def test_silos_that_have_too_little_are_counted() -> None:
    found = hold_out(_partition([4, 5, 1, 12]), 0.2, Streams(1))
    assert [len(held) for held in found.held_out] == [0, 1, 0, 2]
    assert told_of_small(found, 0.2).startswith("held out: 2 of 4 silos hold none")
    assert "fewer than 5 utterances" in told_of_small(found, 0.2)
    assert told_of_small(hold_out(_partition([5, 6]), 0.2, Streams(1)), 0.2) == ""
    assert told_of_small(_partition([1]), 0.0) == ""


@given(sizes, shares)
def test_a_silo_holds_out_the_same_whoever_else_there_is(sizes: list[int], share: float) -> None:
    among = hold_out(_partition([*sizes, 9]), share, Streams(3))
    for silo in range(len(sizes)):
        alone = hold_out(_partition(sizes[: silo + 1]), share, Streams(3))
        assert alone.held_out_by(silo) == among.held_out_by(silo)


def test_it_is_drawn_by_the_seed_and_not_the_first_or_the_last() -> None:
    draws = {hold_out(_partition([20]), 0.25, Streams(seed)).held_out_by(0) for seed in range(20)}
    assert len(draws) == 20
    assert len({name for held in draws for name in held}) == 20


def test_without_a_share_nothing_changes() -> None:
    before = _partition([3, 1])
    assert hold_out(before, 0.0, Streams(1)) is before
    assert before.held_out_by(1) == ()


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan"), "half"])
def test_a_share_that_leaves_nothing_is_refused(share: object) -> None:
    with pytest.raises(UserError, match="held_out"):
        Experiment.from_table(tiny_table(corpus={"held_out": share}))
