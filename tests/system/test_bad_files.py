"""Corpora, folders, models and disks that are not what they should be: one line, exit code 2, nothing left behind."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support.full_disk import fill_disk
from support.running import Refused, Simulated

from fedasr.api import transcribe as heard
from fedasr.evaluate import app as evaluate
from fedasr.simulate import app as simulate
from fedasr.transcribe import app as transcribe

# Corpora


def _corpus(folder: Path, speakers: int = 9, changes: dict[int, Any] | None = None) -> Path:
    """Write a corpus of two utterances a speaker; `changes` replace a line, or part of it."""
    folder.mkdir()
    random, lines = np.random.default_rng(0), []
    for number in range(2 * speakers):
        name = f"{number}.flac"
        soundfile.write(folder / name, random.standard_normal(4000) * 0.1, 16_000)
        line: Any = {"audio_filepath": name, "duration": 0.25, "text": "one two", "speaker": f"s{number // 2}"}
        change = (changes or {}).get(number)
        line = {k: v for k, v in (line | change).items() if v is not ...} if isinstance(change, dict) else line
        lines.append(change if isinstance(change, str) else json.dumps(line))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def _own_corpus(write_toml: Any, **corpus: Any) -> Path:
    return write_toml(corpus={"kind": "manifest", **corpus})  # type: ignore[no-any-return]


LINES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "missing": ({"audio_filepath": "nowhere.wav"}, ("manifest.jsonl:4", "nowhere.wav")),
    "no text": ({"text": " "}, ("manifest.jsonl:4", "empty text")),
    "no speaker": ({"speaker": ...}, ("manifest.jsonl:4", "speaker")),
    "duration": ({"duration": 2.5}, ("manifest.jsonl:4", "2.5", "0.250")),
    "negative": ({"duration": -1}, ("manifest.jsonl:4", "positive")),
    "type": ({"text": 7}, ("manifest.jsonl:4", "string", "7")),
    "duplicate": ({"audio_filepath": "1.flac"}, ("manifest.jsonl:4", "duplicate", "manifest.jsonl:2")),
    "duplicate id": ({"id": "0.flac"}, ("manifest.jsonl:4", "duplicate", "0.flac")),
    "not json": ("{", ("manifest.jsonl:4", "not JSON")),
}


@pytest.mark.parametrize("case", sorted(LINES))
def test_lines_of_a_manifest(case: str, refused: Refused, write_toml: Any, tmp_path: Path) -> None:
    change, named = LINES[case]
    folder = _corpus(tmp_path / "corpus", changes={3: change})
    line = refused(_own_corpus(write_toml), "--data", folder, "--grid", "process")
    for part in named:
        assert part in line


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


AUDIO: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "no audio": (lambda path: path.write_text("a letter to my aunt, not audio at all"), "not an audio file"),
    "truncated": (_truncate, "truncated"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "folder"),
}


@pytest.mark.parametrize("case", sorted(AUDIO))
def test_audio_that_cannot_be_read(case: str, refused: Refused, write_toml: Any, tmp_path: Path) -> None:
    spoil, named = AUDIO[case]
    folder = _corpus(tmp_path / "corpus")
    spoil(folder / "5.flac")
    line = refused(_own_corpus(write_toml), "--data", folder, "--grid", "process")
    assert ".flac" in line
    assert named in line


# Folders of other runs, and models


def test_resuming_another_experiment(refused: Refused, simulated: Callable[..., Simulated], write_toml: Any) -> None:
    folder = simulated("--grid", "process").folder
    assert "another experiment" in refused(write_toml(), "--resume", folder)
    line = refused("--resume", folder, "--set", "training.rounds=7")
    assert "another experiment (training.rounds is 8 there and 7 here)" in line
    assert "a run can be given more rounds, not fewer" in line


def test_resuming_what_is_no_run(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert "not a run folder" in refused("--resume", tmp_path / "run")
    (tmp_path / "run" / "experiment.toml").write_text("[[")
    assert "not a TOML file" in refused("--resume", tmp_path / "run")


def test_a_start_of_another_shape(refused: Refused, simulated: Callable[..., Simulated], write_toml: Any) -> None:
    model = simulated("--grid", "process").folder / "fedavg" / "model.safetensors"
    other = write_toml(model={"units": 8, "start": str(model)})
    assert "another shape" in refused(other, "--grid", "process")


def _models(folder: Path, model: Path) -> dict[str, Path]:
    whole = model.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    head = json.loads(whole[8 : 8 + size])
    made = {"empty": b"", "noise": os.urandom(300), "truncated": whole[:-10]}
    description = json.loads(head["__metadata__"]["description"])
    for name, change in {
        "no tokens": {"tokens": {}},
        "other tokens": {"tokens": {"kind": "pieces", "model": "bm90IGEgbW9kZWw="}},
        "odd tokens": {"tokens": ["a"]},
        "other encoder": {"recogniser": {**description["recogniser"], "encoder": {"kind": "quantum"}}},
        "odd recogniser": {"recogniser": "large"},
        "other shape": {"recogniser": {**description["recogniser"], "features": {"mels": 40}}},
    }.items():
        described = {**head, "__metadata__": {"description": json.dumps({**description, **change})}}
        header = json.dumps(described).encode()
        made[name] = len(header).to_bytes(8, "little") + header + whole[8 + size :]
    for name, content in made.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    return {name: folder / name for name in [*made, "folder", "nowhere"]}


def test_bad_models(refused: Refused, simulated: Callable[..., Simulated], tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    good = simulated("--grid", "process").folder / "fedavg" / "model.safetensors"
    corpus = _corpus(tmp_path / "corpus", 1)
    for name, model in _models(tmp_path / "models", good).items():
        for app, argument in (
            (evaluate, corpus / "manifest.jsonl"), (transcribe, corpus / "0.flac"),
        ):  # fmt: skip
            assert str(model) in refused(model, argument, app=app), name


@pytest.mark.parametrize("case", ["missing", "no text", "duration", "type", "duplicate", "not json"])
def test_manifests_to_evaluate(
    case: str, refused: Refused, simulated: Callable[..., Simulated], tmp_path: Path
) -> None:
    change, named = LINES[case]
    folder = _corpus(tmp_path / "corpus", changes={3: change})
    model = simulated("--grid", "process").folder / "fedavg"
    line = refused(model, folder / "manifest.jsonl", app=evaluate)
    for part in named:
        assert part in line
    assert "no manifest" in refused(model, tmp_path / "nothing.jsonl", app=evaluate)


def test_audio_to_transcribe(refused: Refused, simulated: Callable[..., Simulated], tmp_path: Path) -> None:
    model = simulated("--grid", "process").folder / "fedavg"
    good = _corpus(tmp_path / "corpus", 1) / "0.flac"
    for case, (spoil, named) in AUDIO.items():
        bad = tmp_path / f"{case}.flac"
        bad.write_bytes(good.read_bytes())
        spoil(bad)
        line = refused(model, bad, app=transcribe)
        assert str(bad) in line
        assert named in line
    assert "nowhere.wav" in refused(model, "nowhere.wav", app=transcribe)


def test_one_bad_file_does_not_withhold_the_text_of_others(
    simulated: Callable[..., Simulated], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, corpus = simulated("--grid", "process").folder / "fedavg", _corpus(tmp_path / "corpus", 1)
    (corpus / "bad.flac").write_text("a letter")
    with pytest.raises(SystemExit) as exit_:
        transcribe([str(model), *(str(corpus / name) for name in ("0.flac", "bad.flac", "1.flac"))])
    found = capfd.readouterr()
    assert exit_.value.code == 1
    first, second = heard(model, [corpus / "0.flac", corpus / "1.flac"])
    assert found.out.split("\n") == [first, "", second, ""]
    assert found.err.startswith(f"error: {corpus / 'bad.flac'}: not an audio file")
    assert found.err.count("\n") == 1


# A full disk


def test_a_full_cache(
    write_toml: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FEDASR_CACHE", str(tmp_path / "cache"))
    fill_disk(monkeypatch, 0)
    with pytest.raises(SystemExit) as exit_:
        simulate([str(write_toml()), "--grid", "process", "--out", str(tmp_path / "run")])
    line = capfd.readouterr().err.splitlines()[-1]
    assert exit_.value.code == 2
    assert line.startswith(f"error: {tmp_path / 'cache'}: the disk is full")
    assert "FEDASR_CACHE" in line
    assert not (tmp_path / "run").exists()
    assert not list((tmp_path / "cache" / "features").iterdir())


def test_a_full_disk_leaves_no_run_folder(
    write_toml: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    simulated: Callable[..., Simulated],
) -> None:  # fmt: skip
    simulated("--grid", "process")  # so that the cache holds the features
    for after in (0, 1, 3):
        with monkeypatch.context() as patch:
            fill_disk(patch, after)
            with pytest.raises(SystemExit) as exit_:
                simulate([str(write_toml()), "--grid", "process", "--out", str(tmp_path / "run")])
        assert exit_.value.code == 2
        err = capfd.readouterr().err
        assert [line for line in err.splitlines() if line.startswith("error:")] == [err.splitlines()[-1]]
        assert "the disk is full" in err
        assert "Traceback" not in err
        assert not (tmp_path / "run").exists()
