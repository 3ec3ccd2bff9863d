"""Parts of files: the very samples, wherever they lie."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.encoded import encoded, sound
from support.sound import record

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.features.fingerprints import Fingerprints
from fedasr.corpora.features.sources import describe, restore

RATE_HZ = 16_000


@pytest.fixture(scope="module", params=["a.wav", "a.flac"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("whole") / request.param, 2.0)


@given(offset_seconds=st.floats(0, 1.9), length_seconds=st.floats(0.05, 2))
def test_a_part_is_a_slice_of_the_whole(whole: Path, offset_seconds: float, length_seconds: float) -> None:
    first = round(offset_seconds * RATE_HZ)
    length_seconds = min(length_seconds, 2 - offset_seconds)
    part = AudioFile(whole, offset_seconds, length_seconds)
    expected = AudioFile(whole).read(RATE_HZ)[first : first + round(length_seconds * RATE_HZ)]
    np.testing.assert_array_equal(part.read(RATE_HZ), expected)
    assert part.inspect().frames == len(expected)


def test_a_part_without_a_length_goes_to_the_end(whole: Path) -> None:
    assert len(AudioFile(whole, 1.5).read(RATE_HZ)) == RATE_HZ // 2


def test_seconds_rounded_past_the_end_take_what_is_there(whole: Path) -> None:
    assert len(AudioFile(whole, 1.0, 1.01).read(RATE_HZ)) == RATE_HZ


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ((1.0, 1.2), r"from 1 s to 2\.200 s does not lie in the file of 2\.000 s; correct"),
        ((2.5, 1.0), "does not lie in the file"),
        ((2.5, None), "less than a window"),
        ((1.99, None), "10 ms of audio from 1.99 s on"),
        ((1.0, 0.01), "less than a window"),
        ((-1.0, 1.0), "correct it"),
        ((0.0, -1.0), "correct it"),
        ((float("nan"), 1.0), "correct it"),
        ((0.0, float("nan")), "correct it"),
        ((float("inf"), 1.0), "correct it"),
    ],
)
def test_parts_that_are_not_there_are_refused(whole: Path, part: tuple[float, float | None], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        AudioFile(whole, *part).read(RATE_HZ)
    assert str(raised.value).startswith(f"{whole}: ")
    assert "\n" not in str(raised.value)


def test_each_part_has_a_fingerprint_of_its_own(whole: Path, tmp_path: Path) -> None:
    parts = [AudioFile(whole), AudioFile(whole, 0.5), AudioFile(whole, 0.0, 0.5), AudioFile(whole, 0.5, 0.5)]
    found = [part.fingerprint() for part in parts]
    assert len(set(found)) == 4
    remembered = Fingerprints(tmp_path / "fingerprints.json")
    assert [remembered.of(part) for part in parts * 2] == found * 2


@pytest.mark.parametrize("part", [(), (0.5,), (0.0, 0.5), (0.25, 0.5)])
def test_parts_cross_the_index(whole: Path, part: tuple[float, ...]) -> None:
    assert restore(describe(AudioFile(whole, *part))) == AudioFile(whole, *part)


def test_whole_files_stand_in_the_index_as_they_always_did(whole: Path) -> None:
    assert describe(AudioFile(whole)) == {"file": str(whole)}
    assert restore({"file": str(whole)}) == AudioFile(whole)


# GSM and NMS cannot be sought in; MP3 not to the sample; Vorbis and Opus lap over; the others begin anywhere.
@pytest.mark.parametrize(
    ("form", "subtype", "rate_hz"),
    [
        ("WAV", "GSM610", 8_000),
        ("WAV", "NMS_ADPCM_32", 8_000),
        ("WAV", "MS_ADPCM", 8_000),
        ("WAV", "IMA_ADPCM", 8_000),
        ("W64", "ULAW", 8_000),
        ("MP3", "MPEG_LAYER_III", 16_000),
        ("OGG", "VORBIS", 16_000),
        ("OGG", "OPUS", 48_000),
        ("FLAC", "PCM_24", 16_000),
        ("CAF", "ALAC_16", 16_000),
    ],
)
def test_a_part_is_a_slice_in_every_form(tmp_path: Path, form: str, subtype: str, rate_hz: int) -> None:
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(encoded(form, subtype, rate_hz, samples=sound(2 * rate_hz)))
    expected = AudioFile(path).read(rate_hz)
    for first in (0, 1, 1_151, rate_hz, rate_hz + 4_097):
        found = AudioFile(path, first / rate_hz, 0.25).read(rate_hz)
        np.testing.assert_array_equal(found, expected[first : first + rate_hz // 4])
