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

WORDS = ("one", "two", "three", "four")


def kaldi(folder: Path, speakers: int) -> Path:
    """Write a data folder in which each speaker says two things, for as long as no other."""
    folder.mkdir(parents=True)
    names = [(f"s{speaker}", f"s{speaker}-{number}") for speaker in range(speakers) for number in range(2)]
    for place, (_, name) in enumerate(names):
        record(folder / f"{name}.wav", seconds=0.3 + 0.01 * place, seed=place)
    lines = {
        "wav.scp": [f"{name} {name}.wav" for _, name in names],
        "text": [f"{name} {WORDS[place % 4].upper()} {WORDS[place % 3]}" for place, (_, name) in enumerate(names)],
        "utt2spk": [f"{name} {speaker}" for speaker, name in names],
    }
    for file, content in lines.items():
        (folder / file).write_text("\n".join(content) + "\n")
    return folder


def test_an_experiment_runs_on_a_corpus_of_another_packages_kind(tmp_path: Path, install: Install) -> None:
    install("reader.py", READERS.group, "kaldi", "read_kaldi")
    kaldi(tmp_path / "data/train", 9)
    table = tiny_table(
        corpus={"kind": "kaldi", "path": str(tmp_path / "data"), "subset": "train"}, central={"epochs": 1}
    )
    result = fedasr.run(Experiment.from_table(table), out=tmp_path / "run", grid="process")
    assert [row["status"] for row in result.rows] == ["finished"] * 2
    assert 'kind = "kaldi"' in (tmp_path / "run/experiment.toml").read_text()


def test_what_the_reader_gives_is_what_the_folder_holds(tmp_path: Path, install: Install) -> None:
    install("reader.py", READERS.group, "kaldi", "read_kaldi")
    folder = kaldi(tmp_path / "train", 2)
    found = load_corpus("kaldi", folder)
    assert [(u.id, u.speaker, u.text) for u in found] == [
        ("s0-0", "s0", "one one"), ("s0-1", "s0", "two two"), ("s1-0", "s1", "three three"), ("s1-1", "s1", "four one"),
    ]  # fmt: skip
    assert [u.duration_seconds for u in found] == pytest.approx([0.3, 0.31, 0.32, 0.33])
    assert load_corpus("my_reader:read_kaldi", tmp_path, subset="train") == found


def test_mistakes_in_the_folder_are_told_in_a_line(tmp_path: Path, install: Install) -> None:
    install("reader.py", READERS.group, "kaldi", "read_kaldi")
    folder = kaldi(tmp_path / "train", 1)
    (folder / "utt2spk").write_text("s0-0 s0\n")
    with pytest.raises(UserError, match=r"utt2spk: no line of 's0-1'"):
        load_corpus("kaldi", folder)
    (folder / "wav.scp").write_text("s0-0 sph2pipe s0-0.sph |\n")
    with pytest.raises(UserError, match=r"wav\.scp: 'sph2pipe s0-0\.sph \|' is a command"):
        load_corpus("kaldi", folder)
    (folder / "text").unlink()
    with pytest.raises(UserError, match="text: cannot read"):
        load_corpus("kaldi", folder)


def test_a_kind_that_nothing_reads_is_refused_with_the_nearest(refused: Refused, install: Install) -> None:
    install("reader.py", READERS.group, "kaldi", "read_kaldi")
    assert "'corpus.kind' is 'kadli'; did you mean 'kaldi'?" in refused("quickstart", "--set", "corpus.kind=kadli")
    assert "'corpus.kind' is 'synthetics'; did you mean 'synthetic'?" in refused(
        "quickstart", "--set", "corpus.kind=synthetics"
    )
    assert "no.such" in refused("quickstart", "--set", "corpus.kind=no.such:thing", "--set", "corpus.path=.")


def test_the_names_of_readers_are_kinds() -> None:
    for kind in (*READERS.known(), "synthetic", "some.module:read"):
        assert CorpusSpec(kind=kind).kind == kind
