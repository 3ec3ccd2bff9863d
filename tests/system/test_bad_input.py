"""A wrong request gets one line that names what is wrong and the mend, exit code 2, and leaves nothing behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from support.running import Finished, Refused, tiny_table

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
    ({"augment": {"speeds": 0.9}}, ("augment.speeds", "list", "0.9")),
    ({"augment": {"speeds": [0.9, 2.5]}}, ("augment.speeds[1]", "at most 2", "2.5")),
    ({"augment": {"speeds": [0.0, 1.0]}}, ("augment.speeds[0]", "at least 0.5", "0.0")),
    ({"augment": {"speeds": [float("nan")]}}, ("augment.speeds[0]", "nan")),
    ({"augment": {"speeds": [1.0, 0.9, 1]}}, ("augment.speeds", "twice")),
    ({"augment": {"speeds": ["fast"]}}, ("augment.speeds[0]", "number", "fast")),
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
    ({"compare": [{"name": "compute.json", "strategy": "fedavg"}]}, ("compare.compute.json.name", "run folder")),
    ({"compare": [{"name": "a", "strategy": "fedavg"}] * 2}, ("'a'", "two rows")),
    ({"compare": [{"name": "a", "strategy": "fedavg", "codec": "sparse"}]}, ("codec", "'sparse'", "dense")),
    ({"compare": [{"name": "a", "strategy": "fedavg", "training": {"round": 1}}]},
     ("compare.a.training.round", "'rounds'")),
    ({"compare": [{"name": "a", "strategy": "fedavg", "training": {"rounds": 0}}]},
     ("compare.a.training.rounds", "at least 1")),
    ({"compare": [{"name": "a", "strategy": "fedavgm", "options": {"momentum": 1.0}}]}, ("momentum", "1.0")),
    ({"compare": [{"name": "a", "strategy": "fedavgm", "options": {"momentun": 0.5}}]}, ("compare.a", "momentun")),
    ({"compare": [{"name": "a", "strategy": "fedavgm", "options": {"momentum": "much"}}]},
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


def test_all_mistakes_of_a_file_are_told(run_command: Callable[..., Finished], write_toml: Any) -> None:
    rows = [
        {"name": "a", "strategy": "fedavgm", "options": {"momentun": 0.5, "server_learning_rate": 0}},
        {"name": "b", "strategy": "fedavgg", "codec": "top-k", "codec_options": {"density": 2}, "network": "phone"},
        {"name": "c", "strategie": "fedavg"},
    ]
    table = {"training": {"round": 3, "batch_size": 0}, "model": {"encoder": "lstn"}, "compare": rows}
    found = run_command("fedasr.simulate", write_toml(**table))
    assert (found.code, found.out) == (2, "")
    lines = found.err.splitlines()
    assert all(line.startswith("error: experiment.toml: ") for line in lines), found.err
    for named in (
        "'training.round'; did you mean 'rounds'", "'training.batch_size' must be a whole number of at least 1",
        "'model.encoder' is 'lstn'; did you mean 'lstm'", "compare.a.options: unknown key 'momentun'",
        "compare.a.options: 'server_learning_rate'", "'fedavgg'",
        "'density' must be a number above 0 and at most 1, not 2", "compare.b.network", "'compare[2].strategie'",
        "'compare[2].strategy' is missing",
    ):  # fmt: skip
        assert sum(named in line for line in lines) == 1, (named, found.err)


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
