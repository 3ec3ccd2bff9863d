"""The server's learning rate over the rounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.server.server_schedule import SCHEDULES, scheduled

lengths = st.integers(1, 60)


@given(st.sampled_from(SCHEDULES), lengths)
def test_without_warm_up_it_begins_whole_and_never_rises(schedule: str, rounds: int) -> None:
    shares = [scheduled(schedule, 0.0, round, rounds) for round in range(1, rounds + 1)]
    assert shares[0] == 1
    assert shares == sorted(shares, reverse=True)
    assert all(0 < share <= 1 for share in shares)
    assert (shares[-1] == 1) == (schedule == "constant" or rounds == 1)


@given(st.sampled_from(SCHEDULES), lengths, st.floats(0.01, 1))
def test_warm_up_climbs_in_equal_steps_and_then_is_over(schedule: str, rounds: int, warmup: float) -> None:
    for round in range(1, rounds + 1):
        climbed = min(1.0, round / (warmup * rounds))
        found = scheduled(schedule, warmup, round, rounds)
        assert found == pytest.approx(climbed * scheduled(schedule, 0.0, round, rounds))


def test_halfway_through_linear_and_cosine_are_at_a_half() -> None:
    assert scheduled("linear", 0.0, 11, 20) == pytest.approx(0.5)
    assert scheduled("cosine", 0.0, 11, 20) == pytest.approx(0.5)
