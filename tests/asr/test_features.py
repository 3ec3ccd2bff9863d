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


def test_an_utterance_of_silence_alone_is_zeros() -> None:
    for constant in (0.0, 0.25):
        assert not LogMel(FeatureSpec())(np.full(8_000, constant, np.float32)).any()


# What is no recording: zeros; A-law's least value, which stands for zero; what decoders and resamplers leave of zeros.
SILENCES = {
    "zeros": np.zeros(16_000, np.float32),
    "constant": np.full(16_000, 2.0**-12, np.float32),
    "residue": (np.random.default_rng(1).uniform(-1, 1, 16_000) * 2.0**-22).astype(np.float32),
}


@pytest.mark.parametrize("silence", SILENCES.values(), ids=SILENCES)
@pytest.mark.parametrize("at", [0, 8_000, 16_000])
def test_silence_leaves_the_sound_as_it_is(silence: np.ndarray, at: int) -> None:
    sound, extract = _tone(1.0, 16_000), LogMel(FeatureSpec())
    alone = extract(sound).astype(np.float64)
    found = extract(np.concatenate([sound[:at], silence, sound[at:]])).astype(np.float64)
    before, after = found[: max(0, at // 160 - 1)], found[at // 160 + 102 :]
    change = np.concatenate([before - alone[: len(before)], after - alone[len(alone) - len(after) :]])
    # Up to 4 of 101 frames at the edges are left out. They are as the others: a mean of 97 is off by up to 4/101 of a
    # deviation, a deviation by half of that share of the squares, of which no frame has more than 4 * 4.
    assert np.abs(change).mean() < 0.1


def test_silence_is_as_quiet_as_the_quietest_sound() -> None:
    sound = _tone(1.0, 16_000)
    found = LogMel(FeatureSpec())(np.concatenate([sound, np.zeros(16_000, np.float32)]))
    np.testing.assert_array_equal(found[103:], np.tile(found[:100].min(0), (len(found) - 103, 1)))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("burst_seconds", [0.0001, 0.002, 0.01, 0.03])
def test_bursts_between_silences_are_finite(burst_seconds: float) -> None:
    period, burst = 400, round(burst_seconds * 16_000)
    samples = _tone(1.0, 16_000)
    samples[np.arange(len(samples)) % (period + burst) >= burst] = 0
    found = LogMel(FeatureSpec())(samples).astype(np.float64)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 20


def test_one_step_of_sixteen_bits_is_a_sound() -> None:
    sound, dither = _tone(1.0, 16_000), np.random.default_rng(1).integers(0, 2, 16_000) * 2.0**-15
    found = LogMel(FeatureSpec())(np.concatenate([sound, dither.astype(np.float32)]))
    assert (found[110:-2].std(0) > 0).all()


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
