"""What a command line asks for: an experiment with its overrides."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.settings.tables import read
from fedasr.engine.named import refusals
from fedasr.experiment.experiment import Experiment, read_experiment
from fedasr.experiment.finding import find_experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.runs.folder import Run
from fedasr.server.strategies_by_name import row_of

DEFAULT = "quickstart"


def requested(
    name: str | None, data: Path | None, strategies: Sequence[str], settings: Sequence[str],
    seeds: Sequence[int], resume: Path | None, draws: Sequence[int] = (),
) -> Experiment:  # fmt: skip
    """Return the experiment that a command line describes.

    Raises
    ------
    UserError
        Where it describes none.
    """
    changes: dict[str, Any] = {"corpus.path": str(data)} if data else {}
    changes |= dict(parse_setting(text) for text in settings)
    if seeds:
        changes["seed"] = seeds[0]
    if len(seeds) > 1:
        changes["seeds"] = list(seeds)
    if draws:
        changes["draws"] = list(draws)
    if resume and name is None:
        experiment = Run.open(resume).experiment.with_values(changes)
    else:
        experiment = _loaded(name or DEFAULT, changes)
    if experiment.draws and len(seeds) == 1:
        raise UserError(f"--seed {seeds[0]} takes no effect: draws divide and train; name them with --draw")
    return choose_rows(experiment, strategies)


def _loaded(name: str, changes: Mapping[str, Any]) -> Experiment:
    """Read an experiment; where its file is wrong, what its rows name is checked at once."""
    path = find_experiment(name)
    table = read_experiment(path)
    try:
        return Experiment.from_table(table, path.name, changes)
    except UserError as error:
        rows = [row for part in _tables(table.get("compare")) if (row := read(RowSpec, part)[0])]
        raise UserError(*error.lines, *(f"{path.name}: {line}" for line in refusals(rows))) from error


def _tables(value: object) -> list[Mapping[str, Any]]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def parse_setting(text: str) -> tuple[str, Any]:
    """Return key and value of ``KEY=VALUE``; a value that is not TOML is a text."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set {text}: write KEY=VALUE, such as training.learning_rate=0.2")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def choose_rows(experiment: Experiment, strategies: Sequence[str]) -> Experiment:
    """Keep the rows that are named; a name that is no row adds one."""
    if not strategies:
        return experiment
    rows = {row.name: row for row in experiment.compare}
    chosen = [rows[name] if name in rows else row_of(name) for name in dict.fromkeys(strategies)]
    return experiment.only(compare=tuple(chosen))
