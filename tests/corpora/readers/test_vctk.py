from pathlib import Path

import pytest
from support.corpora import whole
from support.sound import record

from fedasr.common.errors import UserError
from fedasr.corpora.readers.vctk import read_vctk


@pytest.fixture
def vctk(tmp_path: Path) -> Path:
    root = tmp_path / "VCTK-Corpus-0.92"
    for speaker, text in (("p225", "Please call Stella.\n"), ("p280", "Ask her!\n"), ("p362", "No.\n")):
        (root / "txt" / speaker).mkdir(parents=True)
        (root / "txt" / speaker / f"{speaker}_001.txt").write_text(text)
    for speaker, microphone in (("p225", "mic1"), ("p225", "mic2"), ("p280", "mic1")):
        record(root / "wav48_silence_trimmed" / speaker / f"{speaker}_001_{microphone}.flac", 1.0, 48_000)
    (root / "speaker-info.txt").write_text(
        "ID  AGE  GENDER  ACCENTS  REGION COMMENTS\np225  23  F    English    Southern  England\n"
    )
    return tmp_path


@pytest.mark.parametrize("inside", ["", "VCTK-Corpus-0.92"])
def test_utterances_that_the_second_microphone_heard(vctk: Path, inside: str) -> None:
    (found,) = whole(read_vctk(vctk / inside))
    assert (found.id, found.speaker, found.text) == ("p225_001", "p225", "please call stella")
    assert found.fields == {"age": "23", "sex": "f", "accent": "English"}
    assert found.duration_seconds == 1.0
    assert len(found.audio.read(16_000)) == 16_000


def test_the_other_microphone(vctk: Path) -> None:
    assert [(u.speaker, u.fields.get("sex")) for u in whole(read_vctk(vctk, "mic1"))] == [
        ("p225", "f"),
        ("p280", None),
    ]


def test_what_is_missing_is_named(vctk: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="mic1 and mic2, not 'mic3'"):
        whole(read_vctk(vctk, "mic3"))
    with pytest.raises(UserError, match=r"looked for .*VCTK-Corpus-0\.92/txt and .*wav48_silence_trimmed"):
        whole(read_vctk(tmp_path / "none"))
    (vctk / "VCTK-Corpus-0.92/wav48_silence_trimmed/p225/p225_001_mic2.flac").unlink()
    with pytest.raises(UserError, match=r"p225_001_mic2\.flac: no such audio file"):
        whole(read_vctk(vctk))


def test_a_transcript_in_another_encoding_is_one_fault_of_several(vctk: Path) -> None:
    (vctk / "VCTK-Corpus-0.92/txt/p225/p225_001.txt").write_bytes("café".encode("latin-1"))
    (vctk / "VCTK-Corpus-0.92/txt/p225/p225_002.txt").write_text("yes")
    with pytest.raises(UserError) as raised:
        whole(read_vctk(vctk))
    first, second, _ = raised.value.lines
    assert "p225_001.txt:1: the transcript is not UTF-8 text" in first
    assert "p225_002_mic2.flac: no such audio file" in second


def test_an_empty_transcript_is_named(vctk: Path) -> None:
    (vctk / "VCTK-Corpus-0.92/txt/p225/p225_001.txt").write_text("")
    with pytest.raises(UserError, match=r"p225_001\.txt: empty text"):
        whole(read_vctk(vctk))
