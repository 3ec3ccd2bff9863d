"""The reference is written from what reads the file, and its schema takes what the reader takes."""

import dataclasses
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from support.running import LONGER, tiny_table
from support.tree import CHECKOUT
from system.golden import golden_table

from fedasr.common.settings.values import checked, kinds_of
from fedasr.engine.reference.__main__ import app
from fedasr.engine.reference.contract import CONTRACT
from fedasr.engine.reference.json_schema import experiment_schema
from fedasr.engine.reference.named_choices import CHOICES
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.finding import shipped_experiments
from fedasr.experiment.row_spec import RowSpec

FOLDER = CHECKOUT / "docs" / "reference"
SCHEMA = experiment_schema()
VALID = Draft7Validator(SCHEMA)
VALUES = [
    -1,
    -0.5,
    0,
    1e-7,
    0.5,
    0.97,
    1,
    2,
    3,
    10**6,
    True,
    False,
    "x",
    "",
    [],
    ["x"],
    [0.1, 0.2],
    [3, -1],
    {},
    {"a": 1},
]
ROW = {"name": "a", "strategy": "fedavg"}


def test_what_is_committed_is_what_is_written(tmp_path: Path) -> None:
    app(["--out", str(tmp_path)], standalone_mode=False)
    for path in sorted(tmp_path.iterdir()):
        committed = (FOLDER / path.name).read_text(encoding="utf-8")
        assert path.read_text(encoding="utf-8") == committed, "run python -m fedasr.engine.reference, look, and commit"
    assert {path.name for path in tmp_path.iterdir()} == {"api.md", "experiment.md", "experiment.schema.json"}


def test_every_key_says_what_it_means() -> None:
    page = (FOLDER / "experiment.md").read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line.endswith("|  |")] == []
    for choice in CHOICES:
        assert all(f"### `{name}`" in page for name in choice.registry.known())


def test_every_experiment_that_can_be_read_is_valid(tmp_path: Path) -> None:
    Draft7Validator.check_schema(SCHEMA)
    tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in shipped_experiments().values()]
    tables += [tiny_table(), tiny_table(**LONGER), golden_table(tmp_path), golden_table(tmp_path, transducer=True)]
    for table in tables:
        VALID.validate(table)


def _keys() -> Iterator[tuple[str, type, str]]:
    """Yield each key of each table: how it is said, the dataclass, and the field."""
    tables = {name: kind for name, kind in kinds_of(Experiment).items() if dataclasses.is_dataclass(kind)}
    for table, kind in {**tables, "compare": RowSpec, "": Experiment}.items():
        for field in dataclasses.fields(kind):
            yield table, kind, field.name


def _in_file(table: str, key: str, value: Any) -> dict[str, Any]:
    if table == "compare":
        return {"compare": [{**ROW, key: value}]}
    return {table: {key: value}} if table else {key: value}


NAMES = {"strategy", "objective", "protection", "codec", "client", "network", "kind", "encoder", "head"}
"""Keys whose names are looked up when an experiment is run, or between fields."""


@pytest.mark.parametrize(("table", "kind", "key"), [each for each in _keys() if each[2] not in NAMES])
def test_the_schema_takes_what_the_reader_takes(table: str, kind: type, key: str) -> None:
    for value in VALUES:
        if isinstance(value, (dict, list)) and (table == "" or key.endswith(("options", "training", "central"))):
            continue  # tables within tables have cases of their own
        _, mistakes = checked(kind, {key: value})
        assert VALID.is_valid(_in_file(table, key, value)) == (not mistakes), (value, mistakes)


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.key)
def test_options_are_checked_by_what_is_named(choice: Any) -> None:
    for name, found in choice.found().items():
        settings = choice.settings_of(found)
        for field in dataclasses.fields(settings):
            for value in [] if field.name in choice.shared() else VALUES:
                _, mistakes = checked(settings, {field.name: value})
                table = {choice.key: name, choice.options: {field.name: value}}
                file = {"compare": [{**ROW, **table}]} if choice.table == "compare" else {choice.table: table}
                assert VALID.is_valid(file) == (not mistakes), (name, field.name, value)
        wrong = {choice.key: name, choice.options: {"nosuch": 1}}
        assert not VALID.is_valid(
            {"compare": [{**ROW, **wrong}]} if choice.table == "compare" else {choice.table: wrong}
        )


@pytest.mark.parametrize(
    "table",
    [
        {"trainig": {}}, {"training": {"round": 1}}, {"corpus": {"kind": "manifests"}}, {"model": {"encoder": "lstn"}},
        {"compare": [{"name": "a"}]}, {"compare": [{"name": "a", "strategy": "fedavgg"}]},
        {"compare": [{**ROW, "codec": "int9"}]}, {"compare": [{**ROW, "network": "phone"}]},
        {"compare": [{**ROW, "training": {"rounds": 0}}]}, {"compare": [{**ROW, "training": {"round": 1}}]},
        {"compare": [{**ROW, "central": {"rounds": 1}}]},
    ],
)  # fmt: skip
def test_an_editor_marks_what_would_be_refused(table: dict[str, Any]) -> None:
    assert not VALID.is_valid(table)


@pytest.mark.parametrize(
    "row",
    [
        {"strategy": "flwr.serverapp.strategy:FedAdam", "options": {"eta": 0.1}}, {"codec": "mine:Codec"},
        {"network": "office.toml"}, {"training": {"rounds": 3}}, {"codec": "auto"},
    ],
)  # fmt: skip
def test_an_editor_takes_what_is_somebody_elses(row: dict[str, Any]) -> None:
    assert VALID.is_valid({"compare": [{**ROW, **row}]})


def test_all_that_the_examples_of_the_documents_import_stands_in_the_contract() -> None:
    told = {name for _, names in CONTRACT.values() for name in names}
    found = set[str]()
    for path in (CHECKOUT / "docs").rglob("*"):
        if path.suffix in (".py", ".md"):
            for module, names in re.findall(r"^ *from (fedasr[\w.]*) import ([\w, ]+)$", path.read_text("utf-8"), re.M):
                found |= {f"{module}:{name.strip()}" for name in names.split(",")}
    assert found
    assert found <= told
