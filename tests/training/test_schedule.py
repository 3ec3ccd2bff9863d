import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.training.schedule import one_cycle


@given(st.floats(0, 1), st.floats(1e-5, 1), st.floats(0.05, 0.9))
def test_the_rate_stays_within_its_bounds(progress: float, peak: float, warmup: float) -> None:
    rate = one_cycle(progress, peak, warmup)
    assert min(peak / 25, peak * 1e-3) * (1 - 1e-9) <= rate <= peak * (1 + 1e-9)


def test_it_climbs_to_its_peak_and_falls_to_its_end() -> None:
    rates = [one_cycle(step / 1000, 0.1) for step in range(1001)]
    assert rates[0] == pytest.approx(0.1 / 25)
    assert rates[250] == pytest.approx(0.1)
    assert rates[1000] == pytest.approx(0.1 * 1e-3)
    assert rates[:251] == sorted(rates[:251])
    assert rates[250:] == sorted(rates[250:], reverse=True)
