import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.features import FRAMES_STACKED, FeatureSpec, LogMel, stack_frames

HALF = 2.0**-11
"""Unit roundoff of half precision, in which features are kept."""


def _tone(seconds: float, rate_hz: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(round(seconds * rate_hz)).astype(np.float32) * 0.1


@pytest.mark.parametrize(("rate_hz", "mels"), [(16_000, 64), (8_000, 40), (44_100, 64)])
@pytest.mark.parametrize("seconds", [0.025, 0.4, 1.003])
def test_a_frame_starts_every_10_ms(rate_hz: int, mels: int, seconds: float) -> None:
    samples = _tone(seconds, rate_hz)
    found = LogMel(FeatureSpec(rate_hz, mels))(samples)
    assert found.shape == (len(samples) // (rate_hz // 100) + 1, mels)
    assert found.dtype == np.float16


def test_each_band_is_normalised_over_the_utterance() -> None:
    found = LogMel(FeatureSpec())(_tone(2.0, 16_000)).astype(np.float64)
    # What is normalised has a mean size below 1 and a deviation of 1, and each value is rounded by HALF of it.
    np.testing.assert_allclose(found.mean(0), 0, atol=HALF)
    np.testing.assert_allclose(found.std(0), 1, atol=2 * HALF)


def test_the_level_of_the_recording_does_not_matter() -> None:
    extract, samples = LogMel(FeatureSpec()), _tone(1.0, 16_000)
    np.testing.assert_allclose(extract(samples), extract(samples * 7), rtol=2 * HALF, atol=2 * HALF)


def test_silence_is_finite() -> None:
    assert np.isfinite(LogMel(FeatureSpec())(np.zeros(8_000, np.float32))).all()


def test_the_digest_names_the_numbers() -> None:
    digests = {FeatureSpec(rate, mels).digest for rate in (8_000, 16_000) for mels in (40, 64)}
    assert len(digests) == 4
    assert FeatureSpec(8_000, 40).digest in digests


@given(frames=st.integers(1, 40), mels=st.integers(1, 5))
def test_stacking_keeps_every_value_in_order(frames: int, mels: int) -> None:
    plain = np.random.default_rng(frames).standard_normal((frames, mels)).astype(np.float32)
    stacked = stack_frames(plain)
    assert stacked.shape == (-(-frames // FRAMES_STACKED), FRAMES_STACKED * mels)
    flat = stacked.reshape(-1, mels)
    np.testing.assert_array_equal(flat[:frames], plain)
    assert not flat[frames:].any()
