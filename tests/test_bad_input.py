"""A wrong request gets one line that names what is wrong and the mend, exit code 2, and leaves nothing behind."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tomli_w
from conftest import Finished, Simulated, tiny_table

import fedasr.evaluate
import fedasr.simulate
import fedasr.transcribe

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refused:
    """Call a command in an empty folder, expect a refusal and return its line."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)

    def call(*arguments: object, app: Any = fedasr.simulate.app) -> str:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit) as exit_:
            app([str(argument) for argument in arguments])
        found = capfd.readouterr()
        assert exit_.value.code == 2
        assert found.out == ""
        assert found.err.count("\n") == 1, found.err
        assert found.err.startswith("error: ")
        assert sorted(tmp_path.rglob("*")) == before
        return found.err.removeprefix("error: ").strip()

    return call


SETTINGS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"training": {"round": 3}}, ("training.round'", "'rounds'")),
    ({"trainig": {}}, ("'trainig'", "'training'")),
    ({"training": {"rounds": "three"}}, ("training.rounds", "whole number", "three")),
    ({"training": {"rounds": 2.5}}, ("training.rounds", "whole number", "2.5")),
    ({"training": {"rounds": True}}, ("training.rounds", "whole number", "True")),
    ({"training": {"rounds": 0}}, ("training.rounds", "at least 1", "0")),
    ({"training": {"learning_rate": float("nan")}}, ("training.learning_rate", "nan")),
    ({"training": {"least_replies": 1.5}}, ("training.least_replies", "at most 1", "1.5")),
    ({"training": {"optimizer": "adam"}}, ("training.optimizer", "'adam'", "'adamw'")),
    ({"training": {"batch_size": 0}}, ("training.batch_size", "at least 1")),
    ({"central": {"batch_size": 0}}, ("central.batch_size", "at least 1")),
    ({"central": {"epochs": -1}}, ("central.epochs", "-1")),
    ({"augment": 3}, ("augment", "table")),
    ({"model": {"encoder": "lstn"}}, ("model.encoder", "'lstm'")),
    ({"model": {"encoder": "conformer", "kernel": 4}}, ("model.kernel", "odd")),
    ({"model": {"encoder": "conformer", "units": 18, "heads": 4}}, ("model.units", "model.heads", "18")),
    ({"model": {"sample_rate_hz": 400_000}}, ("model.sample_rate_hz", "at most")),
    ({"corpus": {"public_speakers": 0}}, ("public_speakers", "scratch")),
    ({"corpus": {"kind": "manifests"}}, ("corpus.kind", "'manifest'")),
    ({"corpus": {"kind": "manifest"}}, ("corpus.path", "--data")),
    ({"corpus": {"kind": "manifest", "path": "nowhere"}}, ("nowhere", "--data")),
    ({"corpus": {"partition": "grouped"}}, ("corpus.silos", "grouped")),
    ({"corpus": {"silos": 40}}, ("corpus.silos", "40", "only 4 speakers")),
    ({"corpus": {"partition": "iid", "silos": 4000}}, ("corpus.silos", "4000", "utterances")),
    ({"corpus": {"partition": "grouped", "silos": 7}}, ("corpus.silos", "7", "only 4")),
    ({"corpus": {"partition": "dirichlet", "silos": 2, "dirichlet_over": "shoes"}}, ("dirichlet_over", "shoes")),
    ({"corpus": {"speakers": 3}}, ("3 speakers", "too few")),
    ({"corpus": {"accents": ["klingon"]}}, ("klingon",)),
    ({"corpus": {"public": "nowhere.jsonl"}}, ("nowhere.jsonl",)),
    ({"model": {"start": "nowhere.safetensors"}}, ("nowhere.safetensors",)),
    ({"seeds": [1, -1]}, ("seeds", "-1")),
    ({"seeds": [1, 1]}, ("seeds", "twice")),
    ({"seed": -1}, ("seed", "at least 0")),
    ({"compare": []}, ("[[compare]]",)),
    ({"compare": [{"name": "a", "strategy": "fedavgg"}]}, ("'fedavgg'", "'fedavg'")),
    ({"compare": [{"name": "a", "strategy": "flwr.nowhere:FedAvg"}]}, ("flwr.nowhere",)),
    ({"compare": [{"name": "a", "strategy": "flwr.serverapp.strategy:Nothing"}]}, ("Nothing",)),
    ({"compare": [{"name": "a", "strategy": "json:JSONDecoder"}]}, ("not a Flower strategy",)),
    ({"compare": [{"name": "a", "strategy": "flwr.serverapp.strategy:Strategy"}]}, ("Strategy",)),
    ({"compare": [{"strategy": "fedavg"}]}, ("compare[0].name", "missing")),
    ({"compare": [{"name": "a b", "strategy": "fedavg"}]}, ("'a b'",)),
    ({"compare": [{"name": "..", "strategy": "fedavg"}]}, ("'..'",)),
    ({"compare": [{"name": "start", "strategy": "fedavg"}]}, ("'start'",)),
    ({"compare": [{"name": "a", "strategy": "fedavg"}] * 2}, ("'a'", "two rows")),
    ({"compare": [{"name": "a", "strategy": "fedavg", "codec": "sparse"}]}, ("codec", "'sparse'", "dense")),
    ({"compare": [{"name": "a", "strategy": "fedavg", "training": {"round": 1}}]},
     ("compare.a.training.round", "'rounds'")),
    ({"compare": [{"name": "a", "strategy": "fedavg", "training": {"rounds": 0}}]},
     ("compare.a.training.rounds", "at least 1")),
    ({"compare": [{"name": "a", "strategy": "fedavg", "options": {"momentum": 1.0}}]}, ("momentum", "1.0")),
    ({"compare": [{"name": "a", "strategy": "fedavg", "options": {"momentun": 0.5}}]}, ("compare.a", "momentun")),
    ({"compare": [{"name": "a", "strategy": "fedavg", "options": {"momentum": "much"}}]},
     ("compare.a", "momentum", "much")),
    ({"compare": [{"name": "a", "strategy": "public-only", "options": {"steps": 1}}]}, ("steps",)),
    ({"compare": [{"name": "a", "strategy": "local-only", "options": {"steps": -1}}]}, ("steps", "-1")),
    ({"compare": [{"name": "a", "strategy": "local-only", "options": {"steps": "many"}}]}, ("steps", "many")),
    ({"compare": [{"name": "a", "strategy": "centralised", "options": {"evaluate_every": 0}}]}, ("evaluate_every",)),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "named"), SETTINGS, ids=[str(c)[:60] for c, _ in SETTINGS])
def test_settings(changes: dict[str, Any], named: tuple[str, ...], refused: Refused, write_toml: Any) -> None:
    augment = {"augment": {}} if "augment" in changes and isinstance(changes["augment"], dict) else {}
    table = tiny_table()
    table.update(augment)
    for key, value in changes.items():
        table[key] = {**table.get(key, {}), **value} if isinstance(value, dict) else value
    file = write_toml()
    file.write_text(tomli_w.dumps(table))
    line = refused(file, "--grid", "process")
    for part in named:
        assert part in line


ARGUMENTS: list[tuple[list[str], tuple[str, ...]]] = [
    (["quickstrat"], ("'quickstrat'", "'quickstart'")),
    (["nowhere.toml"], ("nowhere.toml", "no such file")),
    (["--strategy", "fedavgg"], ("'fedavgg'", "'fedavg'")),
    (["--strategy", "centralized"], ("'centralised'",)),
    (["--set", "training.round=3"], ("training.round", "'rounds'")),
    (["--set", "trainin.rounds=3"], ("trainin", "'training'")),
    (["--set", "training.rounds=many"], ("training.rounds", "many")),
    (["--set", "training.rounds.x=1"], ("training.rounds.x",)),
    (["--set", "training.rounds"], ("KEY=VALUE",)),
    (["--set", "=3"], ("KEY=VALUE",)),
    (["--set", "compare.fedavgg.codec=dense"], ("fedavgg", "'fedavg'")),
    (["--set", "corpus.silos=-1"], ("corpus.silos", "at least 0")),
    (["--seed", "-1"], ("seed", "-1")),
    (["--seed", "1", "--seed", "1"], ("seeds", "twice")),
    (["--seed", "1", "--seed", "-1"], ("seeds", "-1")),
    (["--resume", "nowhere"], ("nowhere", "not a run folder")),
    (["--workers", "0"], ("--workers", "at least 1")),
    (["--workers", "-3"], ("--workers", "at least 1")),
    (["--grid", "rai"], ("rai", "ray")),
    (["--data", "nowhere", "--set", "corpus.kind=manifest"], ("nowhere", "--data")),
]


@pytest.mark.parametrize(("arguments", "named"), ARGUMENTS, ids=[" ".join(a) for a, _ in ARGUMENTS])
def test_arguments(arguments: list[str], named: tuple[str, ...], refused: Refused, write_toml: Any) -> None:
    first = [] if arguments[0].startswith("quick") or arguments[0].endswith(".toml") else [write_toml()]
    if arguments[0] == "--resume":
        first = []
    line = refused(*first, *arguments)
    for part in named:
        assert part in line


def test_an_unusable_option_is_one_line_too(refused: Refused, write_toml: Any) -> None:
    assert "--worker" in refused(write_toml(), "--workerz", "3")
    assert "many" in refused(write_toml(), "--workers", "many")


@pytest.mark.parametrize("content", [b"rounds = = 3", b"\xff\xfe\x00", b"[a\n"])
def test_a_file_that_is_no_toml(content: bytes, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    assert "mine.toml: not a TOML file" in refused(tmp_path / "mine.toml")


def test_out_is_not_empty(refused: Refused, write_toml: Any, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    line = refused(write_toml(), "--out", tmp_path / "full", "--grid", "process")
    assert "not empty" in line
    assert "--resume" in line


def test_out_is_a_file(refused: Refused, write_toml: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert "file" in refused(write_toml(), "--out", out, "--grid", "process")


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
    for number in range(18):  # whoever is left out of the partition is not read
        spoil(folder / f"{number}.flac")
    line = refused(_own_corpus(write_toml), "--data", folder, "--grid", "process")
    assert ".flac" in line
    assert named in line


def test_a_transcript_that_has_no_tokens(refused: Refused, write_toml: Any, tmp_path: Path) -> None:
    """The digits of one speaker are in no public text: unless he is held out, his silo could not learn them."""
    folder = _corpus(tmp_path / "corpus", changes={number: {"text": f"route {number}"} for number in range(18)})
    line = refused(_own_corpus(write_toml), "--data", folder, "--grid", "process")
    assert ".flac" in line
    assert "cannot be written in tokens" in line


def test_one_speaker_in_two_splits(refused: Refused, write_toml: Any, tmp_path: Path) -> None:
    folder = _corpus(tmp_path / "corpus")
    public = _corpus(tmp_path / "public", speakers=1)
    toml = _own_corpus(write_toml, public=str(public / "manifest.jsonl"), public_speakers=1)
    line = refused(toml, "--data", folder, "--grid", "process")
    assert "'s0'" in line
    assert "both" in line


# Folders of other runs, and models


def test_resuming_another_experiment(refused: Refused, simulated: Callable[..., Simulated], write_toml: Any) -> None:
    folder = simulated("--grid", "process").folder
    assert "another experiment" in refused(write_toml(), "--resume", folder)
    line = refused("--resume", folder, "--set", "training.rounds=99")
    assert "another experiment" in line


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
            (fedasr.evaluate.app, corpus / "manifest.jsonl"), (fedasr.transcribe.app, corpus / "0.flac"),
        ):  # fmt: skip
            assert str(model) in refused(model, argument, app=app), name


@pytest.mark.parametrize("case", ["missing", "no text", "duration", "type", "duplicate", "not json"])
def test_manifests_to_evaluate(
    case: str, refused: Refused, simulated: Callable[..., Simulated], tmp_path: Path
) -> None:
    change, named = LINES[case]
    folder = _corpus(tmp_path / "corpus", changes={3: change})
    model = simulated("--grid", "process").folder / "fedavg"
    line = refused(model, folder / "manifest.jsonl", app=fedasr.evaluate.app)
    for part in named:
        assert part in line
    assert "no manifest" in refused(model, tmp_path / "nothing.jsonl", app=fedasr.evaluate.app)


def test_audio_to_transcribe(refused: Refused, simulated: Callable[..., Simulated], tmp_path: Path) -> None:
    model = simulated("--grid", "process").folder / "fedavg"
    good = _corpus(tmp_path / "corpus", 1) / "0.flac"
    for case, (spoil, named) in AUDIO.items():
        bad = tmp_path / f"{case}.flac"
        bad.write_bytes(good.read_bytes())
        spoil(bad)
        line = refused(model, good, bad, app=fedasr.transcribe.app)
        assert str(bad) in line
        assert named in line
    assert "nowhere.wav" in refused(model, "nowhere.wav", app=fedasr.transcribe.app)


# A full disk


def _fill_disk(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the disk be full from the nth file on that is moved into its place."""
    real, moved = os.replace, 0

    def replace(source: Any, target: Any, **options: Any) -> None:
        nonlocal moved
        moved += 1
        if moved > after:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target, **options)

    monkeypatch.setattr(os, "replace", replace)


def test_a_full_cache(
    write_toml: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FEDASR_CACHE", str(tmp_path / "cache"))
    _fill_disk(monkeypatch, 0)
    with pytest.raises(SystemExit) as exit_:
        fedasr.simulate.app([str(write_toml()), "--grid", "process", "--out", str(tmp_path / "run")])
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
            _fill_disk(patch, after)
            with pytest.raises(SystemExit) as exit_:
                fedasr.simulate.app([str(write_toml()), "--grid", "process", "--out", str(tmp_path / "run")])
        assert exit_.value.code == 2
        err = capfd.readouterr().err
        assert [line for line in err.splitlines() if line.startswith("error:")] == [err.splitlines()[-1]]
        assert "the disk is full" in err
        assert "Traceback" not in err
        assert not (tmp_path / "run").exists()


def test_a_disk_that_fills_later_keeps_what_is_finished(
    write_toml: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import fedasr.rows

    real, rows = fedasr.rows.save_model, 0

    def save_model(*arguments: Any) -> None:
        nonlocal rows
        rows += 1
        if rows > 1:
            _fill_disk(monkeypatch, 0)
        real(*arguments)

    monkeypatch.setattr(fedasr.rows, "save_model", save_model)
    with pytest.raises(SystemExit) as exit_:
        fedasr.simulate.app([str(write_toml()), "--grid", "process", "--out", str(tmp_path / "run")])
    assert exit_.value.code == 2
    err = capfd.readouterr().err
    assert "the disk is full" in err.splitlines()[-1]
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["rows"][0]["status"] == "finished"
    monkeypatch.undo()
    fedasr.simulate.app(["--resume", str(tmp_path / "run"), "--grid", "process"], standalone_mode=False)
    rows_now = json.loads((tmp_path / "run" / "summary.json").read_text())["rows"]
    assert [row["status"] for row in rows_now] == ["finished", "finished"]


# Through the command line itself, for what a process prints as it goes


def test_the_command_line_says_one_line(run_command: Callable[..., Finished], tmp_path: Path) -> None:
    for module, arguments in (
        ("fedasr.simulate", ["nowhere.toml"]),
        ("fedasr.evaluate", ["nowhere", "nothing.jsonl"]),
        ("fedasr.transcribe", ["nowhere", "a.wav"]),
    ):
        found = run_command(module, *arguments, cwd=tmp_path)
        assert found.code == 2
        assert found.out == ""
        assert found.err.startswith("error: nowhere")
        assert found.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
