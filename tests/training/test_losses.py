import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.training.losses import mean_of_known, number_or_none, weighted_mean_of_known

numbers = st.lists(st.floats(0, 9) | st.just(math.nan), max_size=6)


@given(numbers)
def test_the_mean_is_over_numbers(losses: list[float]) -> None:
    known = [loss for loss in losses if loss == loss]
    found = mean_of_known([*losses, None])
    assert number_or_none(math.inf) is None
    if known:
        assert number_or_none(found) == found
        assert found == pytest.approx(sum(known) / len(known))
    else:
        assert number_or_none(found) is None


@given(numbers.filter(bool))
def test_the_weighted_mean_is_over_numbers(losses: list[float]) -> None:
    shares = [1 / len(losses)] * len(losses)
    assert weighted_mean_of_known(losses, shares) == pytest.approx(mean_of_known(losses), nan_ok=True)


def test_all_shares_count_where_all_are_numbers() -> None:
    assert weighted_mean_of_known([1.0, 5.0], [0.25, 0.75]) == 4.0
    assert weighted_mean_of_known([math.nan, 5.0], [0.25, 0.75]) == 5.0
