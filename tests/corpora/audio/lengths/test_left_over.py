"""More sound than the header states is not left out in silence."""

import struct

import pytest
from support.encoded import SAMPLES, encoded, read, sound

from fedasr.common.errors import UserError

HALF = SAMPLES // 2


def _with(content: bytes, *places: tuple[int, str, int]) -> bytes:
    changed = bytearray(content)
    for position, form, value in places:
        struct.pack_into(form, changed, position, value)
    return bytes(changed)


def _flac_of(samples: int) -> bytes:
    content = bytearray(encoded("FLAC"))
    content[22:26] = struct.pack(">I", samples)
    return bytes(content)


UNDERSTATED = {
    "WAV": _with(encoded("WAV", "PCM_16"), (40, "<I", SAMPLES)),
    "RIFX": _with(encoded("WAV", "PCM_16", endian="BIG"), (40, ">I", SAMPLES)),
    "AU": _with(encoded("AU", "PCM_16"), (8, ">I", SAMPLES)),
    "AIFF": _with(whole := encoded("AIFF", "PCM_16"), (whole.index(b"SSND") + 4, ">I", SAMPLES + 8)),
    "AIFF's COMM": _with(whole, (22, ">I", SAMPLES + 1)),
    "CAF": _with(whole := encoded("CAF", "PCM_16"), (whole.index(b"data") + 4, ">q", SAMPLES)),
    "SPHERE": encoded("NIST", "PCM_16").replace(b"sample_count -i 8000", b"sample_count -i 4000"),
    "FLAC": _flac_of(HALF),
    "FLAC, more": _flac_of(SAMPLES + 1),
    "two FLAC": encoded("FLAC") + encoded("FLAC", samples=sound(HALF)),
    "a FLAC twice": encoded("FLAC") * 2,
}


@pytest.mark.parametrize("content", UNDERSTATED.values(), ids=UNDERSTATED)
def test_a_header_that_states_another_length_is_refused(content: bytes) -> None:
    with pytest.raises(
        UserError,
        match=r"(bytes follow the audio|the header says|another FLAC).*; (write|open|copy|part)",
    ):
        read(content)


@pytest.mark.parametrize("form", ["WAV", "AU", "AIFF", "CAF", "NIST", "FLAC"])
@pytest.mark.parametrize("behind", [bytes(2_000), b"TAG" + b"x" * 125, b"ID3\4" + b"x" * 900, b"\x01" * 100])
def test_zeros_tags_and_few_bytes_are_no_sound(form: str, behind: bytes) -> None:
    assert len(read(encoded(form) + behind)) == SAMPLES


@pytest.mark.parametrize("form", ["WAV", "AIFF"])
@pytest.mark.parametrize("filled", [b"", b"\0"])
def test_chunks_are_no_sound(form: str, filled: bytes) -> None:
    chunk = b"free" + struct.pack("<I" if form == "WAV" else ">I", 2_000) + b"x" * 2_000
    assert len(read(encoded(form) + filled + chunk)) == SAMPLES
