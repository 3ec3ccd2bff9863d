"""One channel from several, without loss."""

import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from support.sound import noise

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.audio.channels import mono

LEFT, RIGHT = noise(0.5, seed=1)[:, 0], noise(0.5, seed=2)[:, 0]
HUM = (0.1 * np.sin(np.arange(len(LEFT)) / 50)).astype(np.float32)


def level(samples: np.ndarray) -> float:
    return float(samples.std(dtype=np.float64))


@given(gains=st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=6), constant=st.floats(-1, 1, width=32))
def test_no_channel_loses_more_than_half_its_level(gains: list[float], constant: float) -> None:
    samples_TC = np.stack([np.float32(gain) * LEFT + np.float32(constant) for gain in gains], axis=1)
    found, _ = mono(samples_TC)
    loudest = samples_TC.std(axis=0, dtype=np.float64).max()
    # Each sample is rounded by 2**-24 of up to 2.
    assert level(found) >= loudest / 2 - 2.0**-23


@pytest.mark.parametrize(
    ("channels", "loudest"),
    [
        ([LEFT, -LEFT], 0),
        ([0.5 * LEFT, -LEFT], 1),
        ([LEFT + 0.5, 0.5 - 0.9 * LEFT], 0),
        ([0 * LEFT, 0 * LEFT, LEFT], 2),
    ],
)
def test_the_loudest_is_taken_where_channels_cancel(channels: list[np.ndarray], loudest: int) -> None:
    found, cancel = mono(np.stack(channels, axis=1))
    assert cancel
    np.testing.assert_array_equal(found, channels[loudest])


@pytest.mark.parametrize("channels", [[LEFT, LEFT], [LEFT, RIGHT], [LEFT, 0 * LEFT], [LEFT, HUM]])
def test_other_channels_are_averaged(channels: list[np.ndarray]) -> None:
    found, cancel = mono(np.stack(channels, axis=1))
    assert not cancel
    np.testing.assert_allclose(found, np.mean(channels, axis=0), atol=1e-7)


def test_antiphase_stereo_is_heard_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    soundfile.write(tmp_path / "a.flac", np.stack([LEFT, -LEFT], axis=1), 16_000)
    with caplog.at_level(logging.WARNING, logger="fedasr"):
        found = AudioFile(tmp_path / "a.flac").read(16_000)
    assert level(found) > 0.9 * level(LEFT)
    assert [r.getMessage() for r in caplog.records] == [
        f"{tmp_path / 'a.flac'}: an audio file whose channels cancel: the loudest is taken"
    ]


@pytest.mark.parametrize("loud", [1e12, 1e38])
def test_samples_that_overflow_are_refused(tmp_path: Path, loud: float) -> None:
    soundfile.write(tmp_path / "a.wav", LEFT * loud, 16_000, subtype="DOUBLE")
    with pytest.raises(UserError, match="not finite numbers"):
        AudioFile(tmp_path / "a.wav").read(16_000)
