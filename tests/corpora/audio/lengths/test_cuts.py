"""A file that was cut is never read as a shorter one, and no damage ends in anything but a line."""

import io

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from support.encoded import SAMPLES, encoded, read

from fedasr.common.errors import UserError

FORMS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "SVX", "AU", "CAF", "NIST", "FLAC", "OGG", "MP3", "HTK")


def _writable() -> dict[str, bytes]:
    """Return a file of 8000 samples or a block more in each form and coding that libsndfile writes and reads."""
    files = {}
    for form in FORMS:
        for subtype in soundfile.available_subtypes(form):
            try:
                content = encoded(form, subtype)
                if len(soundfile.read(io.BytesIO(content), frames=2 * SAMPLES)[0]) >= SAMPLES:
                    files[f"{form} {subtype}"] = content
            except soundfile.LibsndfileError:
                continue
    return files


FILES = _writable()
OF_ONE_FORM = {form: [FILES[name] for name in FILES if name.split()[0] == form] for form in FORMS}


def _read_or_refused(content: bytes) -> int | None:
    """Return how many samples are read, or None where the refusal is one line with a mend."""
    try:
        return len(read(content))
    except UserError as error:
        told = str(error)
    assert told.startswith("a.file: ")
    assert "\n" not in told
    assert "; " in told
    return None


def test_all_the_forms_are_tried() -> None:
    assert all(OF_ONE_FORM.values())
    assert len(FILES) >= 75


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_whole_file_is_read_whole(content: bytes) -> None:
    # Codings in blocks fill the last one: 320 samples of GSM, 505 of IMA.
    assert SAMPLES <= len(read(content)) <= SAMPLES + 505


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_file_is_refused(content: bytes, share: float) -> None:
    assert _read_or_refused(content[: int(share * len(content))]) is None


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused(form: str, data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(OF_ONE_FORM[form]))
    length = data.draw(st.integers(0, len(content) - 1) | st.integers(len(content) - 9, len(content) - 1))
    found = _read_or_refused(content[:length])
    if found is not None:
        # What was cut off held no sound: a byte that fills a chunk.
        assert found == len(read(content))
        assert length == len(content) - 1


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(form: str, data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from(OF_ONE_FORM[form])))
    places = st.integers(0, 120) | st.integers(0, len(damaged) - 1)
    for position, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=8)):
        damaged[position] = value
    _read_or_refused(bytes(damaged))
