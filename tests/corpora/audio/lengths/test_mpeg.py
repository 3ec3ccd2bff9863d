"""MP3: as long as its frames, whatever its first one says."""

import io
import struct

import numpy as np
import pytest
import soundfile
from support.encoded import SAMPLES, encoded, mp3_frames, read, sound

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioInfo, length_tolerance_seconds
from fedasr.corpora.audio.lengths.mpeg_header import parse_header

RATES_HZ = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
ID3 = b"ID3\x04\0\0\0\0\x01\x0a" + bytes(138)


def mp3(samples: np.ndarray | None = None, rate_hz: int = 16_000, **options: object) -> bytes:
    return encoded("MP3", "MPEG_LAYER_III", rate_hz, samples=sound() if samples is None else samples, **options)


def bare(content: bytes) -> bytes:
    """Return an MP3 file without the frame that counts the others."""
    return b"".join(mp3_frames(content)[1:])


def _loud_first(rate_hz: int) -> np.ndarray:
    """Return 3 s whose first third takes many bits, so that a guess from the first frames is wrong."""
    levels = np.repeat([0.3, 0.0003, 0.0001], rate_hz)
    return (sound(3 * rate_hz) * 10 * levels).astype(np.float32)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_file_without_a_count_is_read_to_its_end(rate_hz: int, channels: int, mode: str, order: int) -> None:
    given = np.repeat(_loud_first(rate_hz)[::order, None], channels, axis=1)
    content = mp3(given, rate_hz, bitrate_mode=mode)
    frames = mp3_frames(content)[1:]
    samples = parse_header(frames[0], 0).samples
    found = read(b"".join(frames))
    # The decoder's own delay is cut off.
    assert len(found) == samples * len(frames) - 529
    info = AudioInfo(rate_hz, channels, len(found), "MP3")
    assert abs(len(found) / rate_hz - 3) < length_tolerance_seconds(info) - 0.1 + 1e-9
    # The same sound, later by what the coder put before it: of the first second, where it is loud.
    whole, later = read(content), 576
    np.testing.assert_allclose(found[later : later + rate_hz // 2], whole[: rate_hz // 2], atol=1e-6)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_file_with_a_count_is_read_as_libsndfile_does(rate_hz: int) -> None:
    content = mp3(rate_hz=rate_hz)
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        expected = file.read(dtype="float32")
    assert len(expected) == SAMPLES
    for given in (content, ID3 + content, content + b"TAG" + bytes(125)):
        np.testing.assert_array_equal(read(given), expected)


def test_files_put_together_are_read_to_the_end_of_the_last() -> None:
    first, second = mp3(sound(seed=1)), mp3(sound(seed=2))
    alone = read(second)
    for between in (b"", ID3, bytes(200)):
        found = read(first + between + second)
        assert abs(len(found) - 2 * SAMPLES) <= 2 * 576 + 1105
        np.testing.assert_allclose(found[:SAMPLES], read(first), atol=1e-4)
        ends = [np.abs(found[at : at + 4_000] - alone[2_000:6_000]).max() for at in range(9_500, 12_500)]
        assert min(ends) < 1e-4


def test_a_fraunhofer_count_is_no_sound() -> None:
    content = bare(mp3())
    head = content[:4] + bytes(32) + b"VBRI" + struct.pack(">HHHII", 1, 0, 0, len(content), 16)
    size = parse_header(content, 0).size
    np.testing.assert_array_equal(read(head.ljust(size, b"\0") + content), read(content))


def test_junk_between_frames_is_passed_over() -> None:
    frames = mp3_frames(mp3())
    assert len(read(b"".join(frames[:9]) + b"\x12\xff\xfb" * 30 + b"".join(frames[9:]))) == SAMPLES


@pytest.mark.parametrize("lost", [1, 2, 3, 5, 50])
def test_a_cut_frame_is_seen_without_any_count(lost: int) -> None:
    with pytest.raises(UserError, match="truncated"):
        read(bare(mp3())[:-lost])


@pytest.mark.parametrize("frames", [1, 5])
def test_lost_frames_are_seen_where_there_is_a_count(frames: int) -> None:
    with pytest.raises(UserError, match=r"truncated audio: the header says \d+ frames, found \d+; copy"):
        read(b"".join(mp3_frames(mp3())[:-frames]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (mp3() + mp3(rate_hz=32_000), "another sampling rate or layer in the middle"),
        (b"\xff\xfb\x00\x64" + bytes(4_000), "free-format"),
        (ID3 + encoded("WAV"), "an ID3 tag before the audio"),
        (b"\xff" * 5_000, "not an audio file"),
        (mp3_frames(mp3())[0], "no samples"),
    ],
)
def test_what_cannot_be_measured_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(content)


def test_flac_may_have_a_tag() -> None:
    assert len(read(ID3 + encoded("FLAC"))) == SAMPLES


@pytest.mark.parametrize(
    ("head", "size", "samples"),
    # By the standard: 144 * bits a second / rate + padding; 72 for MPEG 2 and 2.5, layer III; 48 for layer I.
    [
        ("fffb9064", 417, 1152),
        ("fffb9264", 418, 1152),
        ("fff348c4", 144, 576),
        ("ffe338c4", 216, 576),
        ("fffd8404", 144 * 128 // 48, 1152),
        ("ffff4400", 4 * 12 * 128 // 48, 384),
    ],
)
def test_the_head_of_a_frame(head: str, size: int, samples: int) -> None:
    header = parse_header(bytes.fromhex(head), 0)
    assert (header.size, header.samples) == (size, samples)


def test_the_tolerance_covers_what_the_coder_adds() -> None:
    assert length_tolerance_seconds(AudioInfo(8_000, 1, 8_000, "MP3")) == pytest.approx(0.1 + 2257 / 8_000)
    assert length_tolerance_seconds(AudioInfo(44_100, 1, 44_100, "MP3")) == pytest.approx(0.1 + 3409 / 44_100)
    assert length_tolerance_seconds(AudioInfo(8_000, 1, 80_000, "WAV")) == pytest.approx(0.2)
