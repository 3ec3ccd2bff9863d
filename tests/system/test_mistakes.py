"""Mistakes as new users make them: refused before any training in one line that names the mend, and nothing is left."""

from __future__ import annotations

import importlib
import json
import shlex
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support.running import Finished, command, tiny_table

import fedasr
from fedasr.experiment.experiment import Experiment

TABLE = tomllib.loads((Path(__file__).parent / "mistakes.toml").read_text(encoding="utf-8"))["mistake"]
MODULES = {"report": "fedasr.report.__main__", "privacy": "fedasr.privacy.__main__"}
Case = Mapping[str, Any]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> dict[str, Path]:
    """Return what the lines name: a finished run, a row of it, and a corpus."""
    run, corpus = tmp_path_factory.mktemp("finished") / "run", tmp_path_factory.mktemp("spoken")
    fedasr.run(Experiment.from_table(tiny_table()), grid="process", out=run)
    lines, random = [], np.random.default_rng(0)
    for number in range(18):
        soundfile.write(corpus / f"{number}.flac", random.standard_normal(4000) * 0.1, 16_000)
        line = {"audio_filepath": f"{number}.flac", "duration": 0.25, "text": "one two", "speaker": f"s{number // 2}"}
        lines.append(json.dumps(line))
    (corpus / "manifest.jsonl").write_text("\n".join(lines))
    return {"run": run, "row": run / "fedavg", "corpus": corpus}


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], places: dict[str, Path],
    write_toml: Callable[..., Path],
) -> Callable[[Case], Finished]:  # fmt: skip
    """Make the mistake of a case in a folder of its own, here or in another process."""

    def called(case: Case) -> Finished:
        where = {**places, "tiny": tmp_path / "experiment.toml"}
        write_toml(**_filled(case.get("settings", {}), where))
        (tmp_path / "place").mkdir()
        monkeypatch.chdir(tmp_path / "place")
        monkeypatch.syspath_prepend(str(tmp_path / "place"))
        for name, text in case.get("files", {}).items():
            Path(name).write_text(text, encoding="utf-8")
        name, *words = (_filled(word, where) for word in shlex.split(case["line"]))
        module = MODULES.get(name, f"fedasr.{name}")
        if case.get("process"):
            return command(module, *words, cwd=Path.cwd())
        with pytest.raises(SystemExit) as exit_:
            importlib.import_module(module).app(words)
        code, found = exit_.value.code, capfd.readouterr()
        return Finished(code if isinstance(code, int) else 0, found.out, found.err)

    return called


def _filled(value: Any, where: Mapping[str, Path]) -> Any:
    """Return a word, or the words of a table, with paths in the place of their names."""
    if isinstance(value, str):
        for name, path in where.items():
            value = value.replace(f"{{{name}}}", str(path))
        return value
    if isinstance(value, dict):
        return {key: _filled(each, where) for key, each in value.items()}
    return [_filled(each, where) for each in value] if isinstance(value, list) else value


def _left(folders: list[Path]) -> dict[Path, int]:
    """Return all that lies there, but for what Python keeps of a module that it was asked to import."""
    found = (path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return {path: path.stat().st_mtime_ns for path in found if path.name != ".lock"}


@pytest.mark.parametrize(
    "case", TABLE, ids=[f"{'apart' if 'process' in c else 'here'}: {c['line'][:70]}" for c in TABLE]
)
def test_a_mistake_is_a_line_and_leaves_nothing(
    case: Case, call: Callable[[Case], Finished], places: dict[str, Path], tmp_path: Path
) -> None:
    before = _left(list(places.values()))
    found = call(case)
    assert found.code == case.get("code", 2), found.err
    assert found.err.startswith("error: "), found.err
    assert found.err.count("\n") == 1, found.err
    assert bool(found.out) == (found.code == 1)
    for part in case["says"]:
        assert _filled(part, places) in found.err
    assert _left(list(places.values())) == before
    made = {str(path.relative_to(tmp_path / "place")) for path in _left([tmp_path / "place"])}
    assert made == set(case.get("files", {}))


def test_the_table_is_of_a_size() -> None:
    assert len(TABLE) >= 120
    assert sum("process" in case for case in TABLE) >= 20
