from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.corpora.audio import resample

TO_HZ = 16_000
RATES_HZ = st.one_of(st.integers(2_000, 50_000), st.sampled_from([7_350, 15_987, 22_050, 96_000, 192_000, 384_000]))


def _tone(hertz: float, rate_hz: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate_hz)) / rate_hz).astype(np.float32)


@given(from_hz=RATES_HZ, to_hz=st.sampled_from([8_000, 16_000, 44_100]), share=st.floats(0.02, 0.42))
def test_a_tone_that_both_rates_hold_stays_what_it_is(from_hz: int, to_hz: int, share: float) -> None:
    hertz = share * min(from_hz, to_hz)
    found = resample(_tone(hertz, from_hz), from_hz, to_hz)
    expected = np.sin(2 * np.pi * hertz * np.arange(len(found)) / to_hz)
    edge = to_hz // 10
    # The same frequency and phase, and the level within 1%: no sample is off by more.
    np.testing.assert_allclose(found[edge:-edge], expected[edge:-edge], atol=0.01)


@given(from_hz=RATES_HZ.filter(lambda rate: rate > 1.2 * TO_HZ), share=st.floats(0, 1))
def test_a_tone_that_the_new_rate_cannot_hold_is_gone(from_hz: int, share: float) -> None:
    hertz = 0.55 * TO_HZ + share * (from_hz / 2 - 0.55 * TO_HZ) * 0.98
    found = resample(_tone(hertz, from_hz), from_hz, TO_HZ)
    assert np.abs(found[TO_HZ // 10 : -TO_HZ // 10]).max() < 1e-4  # 80 dB


@given(samples=st.integers(50, 60_000), from_hz=RATES_HZ, to_hz=st.sampled_from([8_000, 16_000, 48_000]))
def test_the_length_is_the_rounded_one(samples: int, from_hz: int, to_hz: int) -> None:
    found = resample(np.zeros(samples, np.float32), from_hz, to_hz)
    assert found.dtype == np.float32
    assert abs(len(found) - samples * to_hz / from_hz) <= 0.5 + 1e-6


@pytest.mark.parametrize("from_hz", [8_000, 15_987, 22_050, 48_000])
def test_the_bits_depend_on_the_samples_alone(from_hz: int) -> None:
    samples = np.random.default_rng(from_hz).standard_normal(from_hz).astype(np.float32)
    expected = resample(samples, from_hz, TO_HZ)
    elsewhere = np.concatenate([np.zeros(1, np.float32), samples])[1:]
    strided = np.stack([samples, samples], axis=1)[:, 0]
    with ThreadPoolExecutor(4) as threads:
        many = [threads.submit(resample, given, from_hz, TO_HZ) for given, _ in product([elsewhere, strided], range(8))]
    for found in many:
        np.testing.assert_array_equal(found.result(), expected)


def test_equal_rates_leave_samples_alone() -> None:
    samples = np.stack([np.arange(5, dtype=np.float32)] * 2, axis=1)[:, 1]
    found = resample(samples, TO_HZ, TO_HZ)
    np.testing.assert_array_equal(found, samples)
    assert found.flags.c_contiguous
