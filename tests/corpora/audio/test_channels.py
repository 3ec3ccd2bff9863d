"""One channel of a file as the source of an utterance."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.sound import noise

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, AudioInfo
from fedasr.corpora.features.sources import describe, restore


@pytest.fixture
def stereo(tmp_path: Path) -> tuple[Path, np.ndarray]:
    samples = noise(0.5, channels=2)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    return tmp_path / "a.wav", samples


@pytest.mark.parametrize("channel", [0, 1])
def test_a_channel_is_read_alone(stereo: tuple[Path, np.ndarray], channel: int) -> None:
    path, samples = stereo
    np.testing.assert_array_equal(AudioFile(path, channel=channel).read(16_000), samples[:, channel])
    np.testing.assert_array_equal(AudioFile(path, 0.1, 0.2, channel).read(16_000), samples[1600:4800, channel])
    assert AudioFile(path, 0.1, 0.2, channel).inspect() == AudioInfo(16_000, 1, 3200)


def test_a_channel_that_is_not_there_is_refused(stereo: tuple[Path, np.ndarray]) -> None:
    for channel in (2, -1):
        for use in (AudioFile.inspect, lambda audio: audio.read(16_000)):
            with pytest.raises(UserError, match=f"no channel {channel}: it has 2, counted from 0"):
                use(AudioFile(stereo[0], channel=channel))


def test_channels_have_fingerprints_and_descriptions_of_their_own(stereo: tuple[Path, np.ndarray]) -> None:
    audio = [AudioFile(stereo[0], channel=channel) for channel in (None, 0, 1)]
    assert len({each.fingerprint() for each in audio}) == 3
    assert [restore(describe(each)) for each in audio] == audio
    assert describe(audio[0]) == {"file": str(stereo[0])}
