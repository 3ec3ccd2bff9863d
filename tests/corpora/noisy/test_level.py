"""Pauses make no speech quieter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.corpora.noisy.level import speech_level

RATE_HZ = 16_000


def _tone(seconds: float, amplitude: float = 1.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A sine of 200 Hz: two whole periods in each 10 ms."""
    return amplitude * np.sin(2 * np.pi * 200 * np.arange(round(seconds * rate_hz)) / rate_hz)


@given(amplitude=st.floats(1e-4, 10), before=st.integers(0, 200), after=st.integers(0, 200))
def test_a_tone_among_pauses_is_as_loud_as_the_tone(amplitude: float, before: int, after: int) -> None:
    frame = RATE_HZ // 100
    samples = np.concatenate((np.zeros(before * frame), _tone(0.3, amplitude), np.zeros(after * frame)))
    # A mean of 480 squares, each within a few roundings.
    assert speech_level(samples, RATE_HZ) == pytest.approx(amplitude / np.sqrt(2), rel=1e-9)


def test_what_is_31_db_quieter_is_a_pause_and_what_is_29_db_quieter_is_speech() -> None:
    for below_db, is_pause in ((31, True), (29, False)):
        quiet = 10 ** (-below_db / 20)
        level = speech_level(np.concatenate((_tone(0.1), _tone(0.1, quiet))), RATE_HZ)
        expected = 1.0 if is_pause else np.sqrt((1 + quiet**2) / 2)
        assert level == pytest.approx(expected / np.sqrt(2), rel=1e-9)


def test_silence_nothing_and_less_than_a_frame_have_a_level() -> None:
    assert speech_level(np.zeros(RATE_HZ), RATE_HZ) == 0
    assert speech_level(np.zeros(0), RATE_HZ) == 0
    assert speech_level(np.full(7, 0.5), RATE_HZ) == 0.5
