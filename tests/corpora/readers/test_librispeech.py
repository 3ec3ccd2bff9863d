from pathlib import Path

import pytest
from support.corpora import whole
from support.sound import record

from fedasr.common.errors import UserError
from fedasr.corpora.readers.librispeech import read_librispeech


@pytest.fixture
def library(tmp_path: Path) -> Path:
    root = tmp_path / "LibriSpeech"
    for subset, speaker, chapter in (("dev-clean", 84, 121), ("test-clean", 61, 70)):
        folder = root / subset / str(speaker) / str(chapter)
        for number in range(2):
            record(folder / f"{speaker}-{chapter}-{number:04d}.flac", 0.5 + number)
        lines = [f"{speaker}-{chapter}-{number:04d} GO ON NUMBER {'ONE' * number}" for number in range(2)]
        (folder / f"{speaker}-{chapter}.trans.txt").write_text("\n".join(lines) + "\n")
    (root / "SPEAKERS.TXT").write_text("; comment\n61   | M | test-clean | 8.0 | A\n84 | F | dev-clean | 8 | B\n")
    return tmp_path


def test_all_subsets_that_are_there(library: Path) -> None:
    utterances = whole(read_librispeech(library))
    assert [u.id for u in utterances] == ["84-121-0000", "84-121-0001", "61-70-0000", "61-70-0001"]
    assert [u.speaker for u in utterances] == ["84", "84", "61", "61"]
    assert utterances[3].text == "go on number one"
    assert utterances[3].duration_seconds == 1.5
    assert utterances[3].fields == {"subset": "test-clean", "chapter": "70", "sex": "m"}
    assert len(utterances[3].audio.read(16_000)) == 24_000


def test_one_subset_from_the_inner_folder(library: Path) -> None:
    assert {u.speaker for u in whole(read_librispeech(library / "LibriSpeech", "dev-clean"))} == {"84"}


def test_what_is_missing_is_named(library: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no subset 'dev-clear'; did you mean 'dev-clean'"):
        whole(read_librispeech(library, "dev-clear"))
    with pytest.raises(UserError, match=r"no subset 'train-clean-100'"):
        whole(read_librispeech(library, "train-clean-100"))
    with pytest.raises(UserError, match=r"no LibriSpeech here; looked in .*84"):
        whole(read_librispeech(tmp_path / "LibriSpeech" / "dev-clean" / "84"))


def test_a_missing_transcript_is_named(library: Path) -> None:
    (library / "LibriSpeech/dev-clean/84/121/84-121.trans.txt").write_text("84-121-0000 GO ON\n")
    with pytest.raises(UserError, match=r"84-121-0001\.flac: no transcript"):
        whole(read_librispeech(library))


@pytest.mark.parametrize("ending", [".flac", ".wav", ".mp3"])
def test_any_folder_of_that_layout_is_a_subset(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "LibriSpeech" / "dev-clean-2" / "0084" / "121123"
    record(folder / f"0084-121123-0000{ending}", 1.0)
    (folder / "0084-121123.trans.txt").write_text("0084-121123-0000 GO DO YOU HEAR\n")
    (folder / "._0084-121123.trans.txt").write_bytes(b"\xff")
    for place, subset in ((tmp_path, "dev-clean-2"), (tmp_path, None), (folder.parent.parent, None)):
        (found,) = whole(read_librispeech(place, subset))
        assert (found.id, found.speaker, found.text) == ("0084-121123-0000", "0084", "go do you hear")
        assert found.fields["subset"] == "dev-clean-2"


def test_the_multilingual_layout(tmp_path: Path) -> None:
    root = tmp_path / "mls_polish"
    record(root / "dev" / "audio" / "10" / "20" / "10_20_000001.flac")
    (root / "dev" / "transcripts.txt").write_text("10_20_000001\tdzień dobry\n", encoding="utf-8")
    (root / "metainfo.txt").write_text(" SPEAKER | GENDER | PARTITION\n 10 | F | dev\n")
    (found,) = whole(read_librispeech(root, "dev"))
    assert (found.id, found.speaker, found.text) == ("10_20_000001", "10", "dzień dobry")
    assert found.fields == {"subset": "dev", "chapter": "20", "sex": "f"}


def test_audio_without_transcript_and_the_other_way_round_are_named(library: Path) -> None:
    folder = library / "LibriSpeech/dev-clean/84/121"
    (folder / "84-121.trans.txt").write_text("84-121-0000 GO ON\n84-121-0007 NOBODY\n")
    with pytest.raises(UserError) as raised:
        whole(read_librispeech(library, "dev-clean"))
    first, second, last = raised.value.lines
    assert first.startswith(f"{folder / '84-121-0001.flac'}: no transcript")
    assert second.startswith(f"{folder / '84-121.trans.txt'}:2: no audio of '84-121-0007'")
    assert "2 of 3" in last
