"""Paths in an experiment are relative to its file, those that are set to where one stands; names are no paths."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from fedasr.engine.request import requested
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.paths import absolute

TABLE = {
    "name": "x",
    "corpus": {
        "kind": "manifest", "path": "speech", "public": "../public", "public_speakers": 0, "test": "sets/test.jsonl",
    },
    "model": {"start": "model.safetensors"},
    "decoding": {"method": "lexicon", "text": "text.txt"},
    "compare": [
        {"name": "a", "strategy": "fedavg", "network": "net.toml"},
        {"name": "b", "strategy": "fedavg", "network": "phones-4g"},
    ],
}  # fmt: skip


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
    (home / "x.toml").write_text(tomli_w.dumps(TABLE))
    monkeypatch.chdir(here)
    for name in (str(home / "x.toml"), "../home/x.toml"):
        found = absolute(requested(name, None, [], [], [], None))
        assert Path(found.corpus.path).resolve() == (home / "speech").resolve()
        assert Path(found.corpus.public).resolve() == (tmp_path / "public").resolve()
        assert Path(found.corpus.test).resolve() == (home / "sets" / "test.jsonl").resolve()
        assert Path(found.model.start).resolve() == (home / "model.safetensors").resolve()
        assert Path(found.decoding.text).resolve() == (home / "text.txt").resolve()
        assert [Path(row.network).name for row in found.compare] == ["net.toml", "phones-4g"]
        assert Path(found.compare[0].network).resolve() == (home / "net.toml").resolve()
        assert found.compare[1].network == "phones-4g"


def test_what_is_set_is_relative_to_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.toml").write_text(tomli_w.dumps(TABLE))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    found = absolute(requested("../x.toml", Path("mine"), [], ["model.start=m.safetensors"], [], None))
    assert found.corpus.path == str(here / "mine")
    assert found.model.start == str(here / "m.safetensors")
    assert absolute(Experiment.load(tmp_path / "x.toml", {"corpus.path": "/there"})).corpus.path == "/there"


@pytest.mark.parametrize(("key", "name"), [("public", "same"), ("public", "other accent"), ("test", "test-clean")])
def test_names_are_no_paths(key: str, name: str, tmp_path: Path) -> None:
    kind = "librispeech" if key == "test" else "synthetic"
    corpus = {"kind": kind, "path": "/speech", key: name} if key == "test" else {"kind": kind, key: name}
    (tmp_path / "x.toml").write_text(tomli_w.dumps({"name": "x", "corpus": corpus, "model": {"start": "scratch"}}))
    assert getattr(absolute(Experiment.load(tmp_path / "x.toml")).corpus, key) == name
