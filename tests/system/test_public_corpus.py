"""A run on a corpus of one's own with others that are public or scored on, by relative paths, then from elsewhere."""

import json
from pathlib import Path

import pytest
from support.running import tiny_table
from support.sound import manifest, record, row

from fedasr import evaluate
from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.simulate import app as simulate

WORDS = ("one", "two", "three")


def corpus(folder: Path, speakers: int, lead: str = "") -> None:
    """Write a manifest of two utterances a speaker, who has a number for a name."""
    rows = []
    for n in range(2 * speakers):
        record(folder / f"{n}.wav", seed=n)
        rows.append(row(f"{n}.wav", speaker=f"{lead}{n // 2}", text=f"{WORDS[n % 3]} {WORDS[n % 2]}"))
    manifest(folder, *rows)


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a command line that names both corpora by relative paths."""
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    corpus(tmp_path / "here" / "own", 6)
    corpus(tmp_path / "here" / "other", 4)
    table = tiny_table(corpus={"kind": "manifest"}, compare=[{"name": "fedavg", "strategy": "fedavg"}])
    for key in ("public_speakers", "grammar", "speakers", "utterances_per_speaker"):
        table["corpus"].pop(key)
    (tmp_path / "here" / "tiny.toml").write_text(Experiment.from_table(table).to_toml())
    monkeypatch.chdir(tmp_path / "here")
    return ["tiny.toml", "--data", "own", "--set", "corpus.public=other/manifest.jsonl", "--grid", "process"]


def summary(run: Path) -> list[str]:
    return [line["model_sha256"] for line in json.loads((run / "summary.json").read_text())["rows"]]


def test_all_of_the_other_corpus_is_public_and_paths_survive_a_resume(
    tmp_path: Path, typed: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    simulate([*typed, "--out", "../run"], standalone_mode=False)
    parts = json.loads((run / "partition.json").read_text())
    assert parts["public_labelled"]["speakers"] == [f"public/{n}" for n in range(4)]
    assert "public: 0.1 min, 4 speakers, 8 utterances" in capfd.readouterr().err
    told = json.loads((run / "corpus.json").read_text())
    assert told["corpora"]["public"]["extent"]["speakers"] == told["parts"]["public_labelled"]["speakers"] == 4
    first = summary(run)
    (run / "fedavg" / "row.jsonl").unlink()
    monkeypatch.chdir(tmp_path / "elsewhere")
    simulate(["--resume", "../run", "--grid", "process"], standalone_mode=False)
    assert summary(run) == first


def test_what_cannot_be_used_is_refused_before_training_or_left_out_and_told(
    tmp_path: Path, typed: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "here" / "own"
    (own / "3.wav").unlink()
    with (own / "manifest.jsonl").open("a") as file:
        file.write(json.dumps(row("0.wav", id="half", text="so \ud83d")) + "\n")
    with pytest.raises(SystemExit) as ended:
        simulate([*typed, "--out", str(tmp_path / "run")])
    assert ended.value.code == 2
    first, second, last = capfd.readouterr().err.splitlines()
    assert first.startswith(f"error: {own}/manifest.jsonl:4: ")
    assert "half a character (U+D83D)" in second
    assert "2 of 13 entries cannot be used" in last
    assert not (tmp_path / "run").exists()
    simulate([*typed, "--out", str(tmp_path / "run"), "--set", "corpus.faulty=leave out"], standalone_mode=False)
    assert "11 utterances; left out 2 (1 unusable audio, 1 half" in capfd.readouterr().err
    left = json.loads((tmp_path / "run" / "corpus.json").read_text())["corpora"]["corpus"]["left_out"]
    assert [each["where"] for each in left] == [f"{own}/manifest.jsonl:{n}" for n in (4, 13)]
    assert "manifest.jsonl:13: text holds half a character" in (tmp_path / "run" / "report.html").read_text()


def test_a_test_set_that_lies_apart_is_scored_whole_and_nobody_is_held_out_for_it(
    tmp_path: Path, typed: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    corpus(tmp_path / "here" / "official", 3, "t")
    named = ["--set", "corpus.test=official", "--set", "corpus.test_speakers=0"]
    simulate([*typed, *named, "--out", "../run"], standalone_mode=False)
    assert "test: 0.1 min, 3 speakers, 6 utterances" in capfd.readouterr().err
    parts = json.loads((run / "partition.json").read_text())
    assert (parts["test"]["speakers"], parts["test"]["utterances"]) == (["t0", "t1", "t2"], 6)
    assert len(parts["silos"]) == 5, "one of six speakers is for development"
    (row,) = json.loads((run / "summary.json").read_text())["rows"]
    found = evaluate(run / "fedavg", tmp_path / "here" / "official")
    assert (found["wer"], found["utterances"]) == (row["wer"], 6)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert evaluate(run / "fedavg")["wer"] == row["wer"]
    record(tmp_path / "here" / "official" / "0.wav", seed=99)
    with pytest.raises(UserError, match="not the speech of this run"):
        evaluate(run / "fedavg")


def test_a_test_set_of_whom_the_silos_hold_speech_is_refused_in_one_line(
    tmp_path: Path, typed: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    corpus(tmp_path / "here" / "official", 3)
    with pytest.raises(SystemExit) as ended:
        simulate([*typed, "--set", "corpus.test=official", "--set", "corpus.test_speakers=0", "--out", "../run"])
    assert ended.value.code == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("error: corpus.test: its speakers 0, 1, 2 are in the corpus, too")
    assert not (tmp_path / "run").exists()
