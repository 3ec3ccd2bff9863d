from __future__ import annotations

from pathlib import Path

import pytest
from support.running import Refused, tiny_table
from support.sound import record

import fedasr
from fedasr.common.errors import UserError
from fedasr.corpora.load import READERS, load_corpus
from fedasr.corpora.spec import CorpusSpec
from fedasr.experiment.experiment import Experiment

from .conftest import Install

WORDS = ("One", "two", "Three,", "four!")


def timit(folder: Path, speakers: int) -> Path:
    """Write a folder in which each speaker says two things, for as long as no other."""
    for speaker in range(speakers):
        home = folder / f"DR{speaker % 2}/{'FM'[speaker % 2]}S{speaker}"
        for number in range(2):
            place = 2 * speaker + number
            audio = record(home / f"SX{number}.WAV", seconds=0.3 + 0.01 * place, seed=place)
            audio.with_suffix(".TXT").write_text(f"0 4800 {WORDS[place % 4]} {WORDS[place % 3]}\n")
    return folder


def test_an_experiment_runs_on_a_corpus_of_another_packages_kind(tmp_path: Path, install: Install) -> None:
    install("reader.py", READERS.group, "timit", "read_timit")
    timit(tmp_path / "data/TRAIN", 9)
    table = tiny_table(
        corpus={"kind": "timit", "path": str(tmp_path / "data"), "subset": "TRAIN"}, central={"epochs": 1}
    )
    result = fedasr.run(Experiment.from_table(table), out=tmp_path / "run", grid="process")
    assert [row["status"] for row in result.rows] == ["finished"] * 2
    assert 'kind = "timit"' in (tmp_path / "run/experiment.toml").read_text()


def test_what_the_reader_gives_is_what_the_folder_holds(tmp_path: Path, install: Install) -> None:
    install("reader.py", READERS.group, "timit", "read_timit")
    timit(tmp_path / "TRAIN", 2)
    found = load_corpus("timit", tmp_path)
    assert [(u.id, u.speaker, u.text, u.fields) for u in found] == [
        ("FS0-SX0", "FS0", "one one", {"sex": "f", "region": "DR0"}),
        ("FS0-SX1", "FS0", "two two", {"sex": "f", "region": "DR0"}),
        ("MS1-SX0", "MS1", "three three", {"sex": "m", "region": "DR1"}),
        ("MS1-SX1", "MS1", "four one", {"sex": "m", "region": "DR1"}),
    ]
    assert [u.duration_seconds for u in found] == pytest.approx([0.3, 0.31, 0.32, 0.33])
    assert load_corpus("my_reader:read_timit", tmp_path, subset="TRAIN") == found


def test_mistakes_in_the_folder_are_told_a_line_each(tmp_path: Path, install: Install) -> None:
    install("reader.py", READERS.group, "timit", "read_timit")
    home = timit(tmp_path / "TRAIN", 1) / "DR0/FS0"
    (home / "SX0.TXT").write_text("0\n")
    (home / "SX1.WAV").unlink()
    with pytest.raises(UserError) as refusal:
        load_corpus("timit", tmp_path)
    assert [line.split("; ")[0] for line in refusal.value.lines[:2]] == [
        f"{home / 'SX0.TXT'}: not 'FIRST LAST words'", f"{home / 'SX1.TXT'}: no recording of this name beside it",
    ]  # fmt: skip
    with pytest.raises(UserError, match="no TIMIT here"):
        load_corpus("timit", tmp_path, subset="TEST")


def test_a_kind_that_nothing_reads_is_refused_with_the_nearest(refused: Refused, install: Install) -> None:
    install("reader.py", READERS.group, "timit", "read_timit")
    assert "'corpus.kind' is 'tmit'; did you mean 'timit'?" in refused("quickstart", "--set", "corpus.kind=tmit")
    assert "'corpus.kind' is 'synthetics'; did you mean 'synthetic'?" in refused(
        "quickstart", "--set", "corpus.kind=synthetics"
    )
    assert "no.such" in refused("quickstart", "--set", "corpus.kind=no.such:thing", "--set", "corpus.path=.")


def test_the_names_of_readers_are_kinds() -> None:
    for kind in (*READERS.known(), "synthetic", "some.module:read"):
        assert CorpusSpec(kind=kind).kind == kind
