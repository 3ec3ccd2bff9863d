"""The JSON schema of an experiment: what an editor completes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fedasr.common.settings.schema import Schema, schema_of
from fedasr.corpora.load import READERS
from fedasr.corpora.spec import SYNTHETIC
from fedasr.engine.reference.named_choices import CHOICES, NamedChoice
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.training import TrainingSpec
from fedasr.network import NETWORKS
from fedasr.student.trainer import TrainerSpec

DRAFT = "http://json-schema.org/draft-07/schema#"
PATH, FILE = ":", r"\.toml$"
"""What else a name may be: ``module:Class``, or the path of a TOML file."""


def experiment_schema() -> Schema:
    """Return the schema of the experiment file, with the options of all that is registered."""
    schema: Schema = {"$schema": DRAFT, "title": "An experiment of fedasr", **schema_of(Experiment)}
    schema.pop("required")  # a file without a name is called after itself
    tables = schema["properties"]
    row = tables["compare"]["items"]
    row["properties"]["training"] |= _without_defaults(schema_of(TrainingSpec))
    row["properties"]["central"] |= _without_defaults(schema_of(TrainerSpec))
    _open(tables["corpus"], "kind", [SYNTHETIC, *READERS.known()], PATH)
    _open(row, "network", NETWORKS, FILE)
    for choice in CHOICES:
        _offer(row if choice.table == "compare" else tables[choice.table], choice)
    return schema


def _open(table: Schema, key: str, names: Iterable[str], other: str) -> None:
    """Let a text be one of the names, or match a pattern."""
    told = table["properties"][key]
    told["anyOf"] = [{"enum": list(names)}, {"type": told.pop("type"), "pattern": other}]


def _offer(table: Schema, choice: NamedChoice) -> None:
    """Give the options of each named thing to the table in which its name stands."""
    found = choice.found()
    _open(table, choice.key, [*choice.also, *found], PATH)
    table.setdefault("allOf", []).extend(_then(choice, name, kind) for name, kind in found.items())


def _then(choice: NamedChoice, name: str, kind: type) -> Schema:
    settings = choice.settings_of(kind)
    options: Schema = schema_of(settings) if settings else {"type": "object", "properties": {}}
    options["properties"] = {key: told for key, told in options["properties"].items() if key not in choice.shared()}
    named = {"properties": {choice.key: {"const": name}}, "required": [choice.key]}
    return {"if": named, "then": {"properties": {choice.options: options}}}


def _without_defaults(schema: Schema) -> dict[str, Any]:
    """Return the schema of a table that changes another: what it leaves out is as it was."""
    told = {key: {k: v for k, v in each.items() if k != "default"} for key, each in schema["properties"].items()}
    return {"properties": told, "additionalProperties": False}
