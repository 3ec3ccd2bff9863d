"""A room sounds on as long as it says, and as loud beside the direct sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.corpora.noisy.room import impulse_response, in_room


def _dice(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(direct_db=st.floats(-20, 20), seconds=st.floats(0.01, 1), rate_hz=st.sampled_from([8_000, 14_545, 16_000]))
def test_the_direct_sound_is_first_and_lies_as_far_above_the_rest_as_it_says(
    direct_db: float, seconds: float, rate_hz: int
) -> None:
    response = impulse_response(seconds, direct_db, rate_hz, _dice())
    assert response[0] == 1
    assert len(response) == round(seconds * rate_hz) + 1
    assert -10 * np.log10(np.sum(response[1:] ** 2)) == pytest.approx(direct_db, abs=1e-9)


@pytest.mark.parametrize("seconds", [0.2, 0.3, 0.6])
def test_the_energy_that_is_still_to_come_falls_by_60_db_in_the_reverberation_time(seconds: float) -> None:
    """Schroeder's backward integration, from -5 to -25 dB as ISO 3382 fits it."""
    rate_hz, slopes = 16_000, []
    for seed in range(8):
        tail = impulse_response(seconds, 0, rate_hz, _dice(seed))[1:]
        left_db = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / np.sum(tail**2))
        fitted = (left_db < -5) & (left_db > -25)
        slopes.append(np.polyfit(np.arange(len(tail))[fitted] / rate_hz, left_db[fitted], 1)[0])
    # 20 dB are RT60 / 3: over 1,000 samples here, squares of Gaussians, whose sums vary by √(2 / 1,000) = 4.5%, or
    # 0.2 dB in 20, 1%; of eight means 0.35%. Five times that, and the tail that is cut at -60 dB adds less than 0.1%.
    assert -60 / np.mean(slopes) == pytest.approx(seconds, rel=0.02)


def test_a_room_of_no_time_changes_nothing_and_none_changes_a_length() -> None:
    samples = _dice(1).standard_normal(1000)
    assert in_room(samples, 0.0, 0.0, 16_000, _dice()) is samples
    for count in (0, 1, 1000):
        assert len(in_room(samples[:count], 0.3, 0.0, 16_000, _dice())) == count


def test_sound_is_heard_as_the_sum_of_its_echoes() -> None:
    samples, response = _dice(1).standard_normal(500), impulse_response(0.05, 0.0, 8_000, _dice(2))
    expected = [sum(samples[t - d] * response[d] for d in range(min(t, 400) + 1)) for t in range(500)]
    # 400 products of about 1, and an FFT: some hundred roundings of 1e-16.
    np.testing.assert_allclose(in_room(samples, 0.05, 0.0, 8_000, _dice(2)), expected, atol=1e-12)
