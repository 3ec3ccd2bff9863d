import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.silence import digital_silence

RATE_HZ, WINDOW, HOP = 16_000, 400, 160


def _noise(samples: int) -> np.ndarray:
    return np.random.default_rng(samples).standard_normal(samples).astype(np.float32)


@given(first=st.integers(0, 3_000), length=st.integers(0, 2_000))
def test_frames_see_a_run_where_five_milliseconds_of_it_lie_in_their_window(first: int, length: int) -> None:
    samples = _noise(6_000)
    samples[first : first + length] = 0.0
    found = digital_silence(samples, RATE_HZ, WINDOW, HOP)
    for frame in range(2, 36):
        start = frame * HOP - WINDOW // 2
        inside = min(first + length, start + WINDOW) - max(first, start)
        assert found.some_T[frame] == (inside >= 80)
        assert found.all_T[frame] == (inside == WINDOW)


@pytest.mark.parametrize("samples", [401, 1_600, 16_000, 16_159])
def test_there_is_an_answer_for_every_frame(samples: int) -> None:
    found = digital_silence(_noise(samples), RATE_HZ, WINDOW, HOP)
    assert len(found.some_T) == len(found.all_T) == samples // HOP + 1
    assert not found.some_T.any()
    assert digital_silence(np.zeros(samples, np.float32), RATE_HZ, WINDOW, HOP).all_T.all()
