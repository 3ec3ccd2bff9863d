from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tolerance import rounding

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec


def _features(frames: int = 50, bands: int = 12) -> np.ndarray:
    return np.random.default_rng(frames).standard_normal((frames, bands)).astype(np.float32) + 3


@given(seed=st.integers(0, 1000), frames=st.integers(1, 60), half=st.booleans())
def test_nothing_switched_on_changes_nothing(seed: int, frames: int, half: bool) -> None:
    features = _features(frames).astype(np.float16 if half else np.float32)
    found = NO_AUGMENTATION(features, np.random.default_rng(seed))
    np.testing.assert_array_equal(found, features.astype(np.float32))
    assert found.dtype == np.float32


@given(seed=st.integers(0, 1000), frames=st.integers(2, 60), tempo=st.floats(0, 0.5))
def test_the_time_map_says_where_each_frame_came_from(seed: int, frames: int, tempo: float) -> None:
    """Of features that say which frame they are, interpolated linearly, each says its place."""
    features = np.repeat(np.arange(frames, dtype=np.float32)[:, None], 4, axis=1)
    spec = replace(NO_AUGMENTATION, tempo=tempo)
    varied, places = spec.timed(features, np.random.default_rng(seed))
    # A place is rounded once to float32, its two weights and their sum as well.
    np.testing.assert_allclose(varied[:, 0], places, atol=4 * frames * 2.0**-24)
    if not tempo:
        np.testing.assert_array_equal(places, np.arange(frames))


def test_the_given_features_are_left_alone() -> None:
    features = _features()
    before = features.copy()
    AugmentSpec()(features, np.random.default_rng(0))
    replace(NO_AUGMENTATION, time_masks=3, time_mask_fraction=0.5)(features, np.random.default_rng(0))
    np.testing.assert_array_equal(features, before)


@given(seed=st.integers(0, 1000))
def test_masks_set_whole_bands_and_frames_to_zero_and_nothing_else(seed: int) -> None:
    features = _features()
    spec = replace(NO_AUGMENTATION, frequency_masks=2, frequency_mask_bands=4, time_masks=2, time_mask_fraction=0.2)
    found = spec(features, np.random.default_rng(seed))
    bands, frames = ~found.any(axis=0), ~found.any(axis=1)
    assert bands.sum() <= 2 * 4
    assert frames.sum() <= 2 * 0.2 * 50
    expected = np.where(bands[None, :] | frames[:, None], 0, features)
    np.testing.assert_array_equal(found, expected)


@given(seed=st.integers(0, 1000), tempo=st.floats(0.01, 0.3), frames=st.integers(10, 80))
def test_tempo_changes_the_length_within_its_range(seed: int, tempo: float, frames: int) -> None:
    found = replace(NO_AUGMENTATION, tempo=tempo)(_features(frames), np.random.default_rng(seed))
    assert int(frames / (1 + tempo)) <= len(found) <= int(frames / (1 - tempo))
    features = _features(frames)
    slack = rounding(3, np.abs(features).max())  # two values are weighted and added
    assert features.min() - slack <= found.min() <= found.max() <= features.max() + slack


@given(seed=st.integers(0, 1000), strength=st.floats(0.01, 0.3))
def test_the_vocal_tract_keeps_the_shape_and_the_lowest_band(seed: int, strength: float) -> None:
    features = _features()
    found = replace(NO_AUGMENTATION, vocal_tract=strength)(features, np.random.default_rng(seed))
    assert found.shape == features.shape
    np.testing.assert_allclose(found[:, 0], features[:, 0], rtol=1e-6)
    slack = rounding(3, np.abs(features).max())  # two values are weighted and added
    assert features.min() - slack <= found.min() <= found.max() <= features.max() + slack


def test_a_ramp_over_frequency_stays_monotonous() -> None:
    ramp = np.tile(np.arange(20, dtype=np.float32), (3, 1))
    for seed in range(50):
        found = replace(NO_AUGMENTATION, vocal_tract=0.25)(ramp, np.random.default_rng(seed))
        assert (np.diff(found, axis=1) >= 0).all()


def test_the_generator_decides() -> None:
    features = _features()
    once, again, other = (AugmentSpec()(features, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert once.shape != other.shape or not np.array_equal(once, other)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_utterances_survive(frames: int) -> None:
    for seed in range(30):
        found = AugmentSpec()(_features(frames), np.random.default_rng(seed))
        assert len(found) >= 1
        assert np.isfinite(found).all()
