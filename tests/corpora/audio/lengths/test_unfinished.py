"""Headers that were never finished: what is there is read."""

import struct

import numpy as np
import pytest
from support.encoded import SAMPLES, encoded, read, sound

from fedasr.common.errors import UserError

# Half a step of 16 bits.
PCM = {"atol": 2.0**-15}
OPEN_32 = [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000, 0x8000_0000, 0xFFFF_FFDB, 0x7F00_0008]


def _with(content: bytes, *places: tuple[int, str, int]) -> bytes:
    changed = bytearray(content)
    for position, form, value in places:
        struct.pack_into(form, changed, position, value)
    return bytes(changed)


@pytest.mark.parametrize("length", OPEN_32)
@pytest.mark.parametrize(
    ("form", "options", "mark", "after", "packed"),
    [
        ("WAV", {}, b"data", 4, "<I"),
        ("WAV", {"endian": "BIG"}, b"data", 4, ">I"),
        ("WAVEX", {}, b"data", 4, "<I"),
        ("AIFF", {}, b"SSND", 4, ">I"),
        ("AU", {}, b".snd", 8, ">I"),
        ("AU", {"endian": "LITTLE"}, b"dns.", 8, "<I"),
    ],
)
def test_a_length_that_was_never_written(
    form: str, options: dict[str, str], mark: bytes, after: int, packed: str, length: int
) -> None:
    whole = encoded(form, "PCM_16", **options)
    at = whole.index(mark) + after
    np.testing.assert_allclose(read(_with(whole, (at, packed, length))), sound(), **PCM)
    # The length of the whole file is behind, too.
    unfinished = whole if form == "AU" else _with(whole, (4, packed, 0))
    np.testing.assert_allclose(read(_with(unfinished, (at, packed, length))), sound(), **PCM)


@pytest.mark.parametrize("length", [0, 24, 2**64 - 1, 2**63 - 1])
def test_wave64(length: int) -> None:
    whole = encoded("W64", "PCM_16")
    unfinished = _with(whole, (whole.index(b"data") + 16, "<Q", length), (16, "<Q", 0))
    np.testing.assert_allclose(read(unfinished), sound(), **PCM)


@pytest.mark.parametrize("length", [0, 2**64 - 1, 2**32 - 1])
def test_rf64(length: int) -> None:
    whole = encoded("RF64", "PCM_16")
    at = whole.index(b"ds64")
    unfinished = _with(whole, (at + 8, "<Q", 0), (at + 16, "<Q", length), (at + 24, "<Q", 0))
    np.testing.assert_allclose(read(unfinished), sound(), **PCM)


@pytest.mark.parametrize("length", [0, -1])
def test_core_audio(length: int) -> None:
    whole = encoded("CAF", "PCM_16")
    np.testing.assert_allclose(read(_with(whole, (whole.index(b"data") + 4, ">q", length))), sound(), **PCM)


@pytest.mark.parametrize("count", [b"-i 0   ", b"-i -1  "])
def test_sphere(count: bytes) -> None:
    unfinished = encoded("NIST", "PCM_16").replace(b"sample_count -i 8000", b"sample_count " + count)
    np.testing.assert_allclose(read(unfinished), sound(), **PCM)


@pytest.mark.parametrize("samples", [1, 4_095, 4_096, 4_097, 8_000, 600_000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_flac_from_a_pipe(samples: int, subtype: str) -> None:
    given = sound(max(samples, 200))
    whole = bytearray(encoded("FLAC", subtype, samples=given))
    whole[21] &= 0xF0
    whole[22:26] = bytes(4)
    np.testing.assert_allclose(read(bytes(whole)), given, **PCM)
    with pytest.raises(UserError, match="truncated"):
        read(bytes(whole[:-1]))


def test_an_empty_file_is_no_unfinished_one() -> None:
    whole = encoded("WAV", "PCM_16")
    for behind in (b"", b"LIST\x04\0\0\0INFO"):
        with pytest.raises(UserError, match="no samples"):
            read(_with(whole, (40, "<I", 0))[:44] + behind)


def test_what_stands_around_the_samples_is_no_sound() -> None:
    whole = encoded("WAV", "PCM_16")
    listed = b"LIST\x05\0\0\0INFOx\0"
    assert len(read(whole + listed)) == SAMPLES
    assert len(read(whole[:36] + listed + whole[36:])) == SAMPLES
    unfinished = _with(whole, (4, "<I", 0), (40, "<I", 0))
    assert len(read(unfinished[:36] + listed + unfinished[36:])) == SAMPLES
