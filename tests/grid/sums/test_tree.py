"""What is summed with what is told by the silos' numbers: not by who is asked when, who works, or who is missing."""

import hashlib
import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.grid.sums.terms import Reply, Term, added_up
from fedasr.grid.sums.tree import Subtotal, TreeSum, cuts, joints, sum_of

VALUES = 5
leaf_sets = st.sets(st.integers(0, 300), min_size=1, max_size=40).map(sorted)


def _reply(leaf: int) -> Reply:
    """Return a reply whose sums round differently in every other order."""
    size = (1 + (37 * leaf + np.arange(VALUES)) % 97 / 128) * 2.0 ** ((13 * leaf) % 71 - 35)
    return Reply((np.asarray(size * (-1) ** leaf, np.float32),), 1 + leaf / 7)


def _value(leaf: int) -> np.ndarray:
    reply = _reply(leaf)
    return reply.arrays[0].astype(np.float64) * reply.weight


def _reference(leaves: set[int], low: int, high: int) -> np.ndarray | None:
    """Return the sum of the leaves from `low` to before `high`: halves first."""
    if not any(low <= leaf < high for leaf in leaves):
        return None
    if high - low == 1:
        return _value(low)
    middle = (low + high) // 2
    halves = _reference(leaves, low, middle), _reference(leaves, middle, high)
    present = [half for half in halves if half is not None]
    return present[0] if len(present) == 1 else present[0] + present[1]


def _bytes(term: Term | None) -> bytes:
    if term is None:
        return b""
    return np.concatenate([added_up(term, (VALUES,)).sum]).tobytes()


def _expected(leaves: set[int]) -> bytes:
    found = _reference(leaves, 0, 1024)
    return b"" if found is None else found.tobytes()


def test_the_order_of_adding_can_be_told_from_the_sum() -> None:
    """Else the tests below would prove nothing."""
    one_by_one = sum((_value(leaf) for leaf in range(1, 60)), start=_value(0))
    assert one_by_one.tobytes() != _expected(set(range(60)))


@given(leaf_sets)
def test_joints_are_levels_of_the_lowest_common_node(leaves: list[int]) -> None:
    def level(one: int, other: int) -> int:
        return 0 if one == other else 1 + level(one // 2, other // 2)

    found = joints(leaves)
    assert found == [level(one, other) for one, other in itertools.pairwise(leaves)]
    assert all(one != other for one, other in itertools.pairwise(found))


@given(
    leaves=leaf_sets, workers=st.integers(1, 5), missing=st.floats(0, 1), seed=st.integers(0, 99),
    at_once=st.integers(1, 6) | st.none(),
)  # fmt: skip
def test_order_workers_and_missing_silos_change_no_bit(
    leaves: list[int], workers: int, missing: float, seed: int, at_once: int | None
) -> None:
    dice = random.Random(seed)
    gone = {leaf for leaf in leaves if dice.random() < missing}
    sums = [TreeSum(leaves, at_once) for _ in range(workers)]
    unasked = []
    for leaf in dice.sample(leaves, len(leaves)):
        if leaf in gone and dice.random() < 0.5:
            unasked.append(leaf)  # not even its worker lives
        else:
            dice.choice(sums).add(leaf, None if leaf in gone else _reply(leaf))
    parts = [part for one in sums for part in one.settled()]
    total = sum_of(leaves, dice.sample(parts, len(parts)), unasked)
    assert _bytes(total) == _expected(set(leaves) - gone)


@given(leaf_sets, st.data())
def test_who_was_asked_and_did_not_reply_might_as_well_not_have_been_asked(
    leaves: list[int], data: st.DataObject
) -> None:
    gone = set(data.draw(st.lists(st.sampled_from(leaves))))
    asked, others = TreeSum(leaves, 2), TreeSum(sorted(set(leaves) - gone), 3)
    for leaf in leaves:
        asked.add(leaf, None if leaf in gone else _reply(leaf))
        if leaf not in gone:
            others.add(leaf, _reply(leaf))
    assert _bytes(asked.total()) == (_bytes(others.total()) if len(gone) < len(leaves) else b"")


@given(count=st.integers(1, 200), start=st.integers(0, 50), at_once=st.integers(2, 5))
def test_a_worker_holds_few_sums_of_neighbours(count: int, start: int, at_once: int) -> None:
    """Of a run of silos at most two nodes a level, and of what is gathered less than is added up at once."""
    leaves = list(range(start + count + 50))
    total = TreeSum(leaves, at_once)
    for leaf in range(start, start + count):
        total.add(leaf, _reply(leaf))
        assert len(total.parts()) <= 2 * math.log2(2 * count)
        gathered = [part.term.replies for part in total.parts() if part.term is not None]
        assert all(replies < at_once for replies in gathered if replies > 1)


def test_a_sum_with_a_leaf_missing_is_none() -> None:
    total = TreeSum([1, 2, 3])
    total.add(1, _reply(1))
    total.add(3, _reply(3))
    with pytest.raises(ValueError, match="not all are there"):
        total.total()
    total.add(2, None)
    assert _bytes(total.total()) == _expected({1, 3})
    assert sum_of([4, 5], [], [4, 5]) is None


def test_a_part_may_be_of_many_leaves() -> None:
    one = TreeSum([0, 1, 2, 3], 2)
    for leaf in (2, 3):
        one.add(leaf, _reply(leaf))
    (part,) = one.settled()
    assert (part.begin, part.end) == (2, 4)
    total = sum_of([0, 1, 2, 3], [part, Subtotal(0, 1, _reply(0)), Subtotal(1, 2, _reply(1))])
    assert _bytes(total) == _expected({0, 1, 2, 3})


@pytest.mark.parametrize(
    ("silos", "golden"),
    [(1, "215f43bdc89e5f40"), (3, "a621b2c7eea08bc3"), (60, "be2b21f72039f00f"), (300, "5450f72dae0e0be2")],
)
def test_sums_are_what_they_always_were(silos: int, golden: str) -> None:
    """On any machine; another order is a change of bits, to be marked so in the changelog."""
    total = TreeSum(range(silos), 4)
    for leaf in range(silos):
        total.add(leaf, _reply(leaf))
    assert hashlib.sha256(_bytes(total.total())).hexdigest()[:16] == golden


@given(leaves=leaf_sets, shares=st.data())
def test_cuts_divide_all_leaves_about_as_asked(leaves: list[int], shares: st.DataObject) -> None:
    workers = shares.draw(st.integers(1, 6))
    ends = sorted(shares.draw(st.lists(st.integers(0, len(leaves)), min_size=workers - 1, max_size=workers - 1)))
    asked = np.diff([0, *ends, len(leaves)]).tolist()
    found = cuts(leaves, asked)
    assert found == sorted(found)
    assert found[-1] == len(leaves)
    slack = len(leaves) // (8 * workers)
    assert all(abs(place - wanted) <= slack for place, wanted in zip(found, np.cumsum(asked).tolist(), strict=True))


@pytest.mark.parametrize(("silos", "workers", "most"), [(64, 2, 2), (1000, 2, 12), (256, 3, 9), (60, 16, 40)])
def test_cuts_leave_few_sums_to_send(silos: int, workers: int, most: int) -> None:
    shares = [silos * (place + 1) // workers - silos * place // workers for place in range(workers)]
    parts, begin = [], 0
    for end in cuts(range(silos), shares):
        total = TreeSum(range(silos), 4)
        for leaf in range(begin, end):
            total.add(leaf, _reply(leaf))
        parts += total.settled()
        begin = end
    assert len(parts) <= most
    assert _bytes(sum_of(range(silos), parts)) == _expected(set(range(silos)))
