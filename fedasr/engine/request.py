"""What a command line asks for: an experiment with its overrides."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
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
    asked = list(dict.fromkeys(strategies))
    changes |= dict(parse_setting(text) for text in settings)
    if seeds:
        changes["seed"] = seeds[0]
    if len(seeds) > 1:
        changes["seeds"] = list(seeds)
    if draws:
        changes["draws"] = list(draws)
    if resume and name is None:
        experiment = Run.open(resume).experiment
        names, added = rows_asked(asked, [(row.name, row.strategy) for row in experiment.compare], resumed=True)
        experiment = experiment.only(compare=(*experiment.compare, *added)).with_values(changes)
    else:
        experiment, names = _loaded(name or DEFAULT, changes, asked)
    if experiment.draws and len(seeds) == 1:
        raise UserError(f"--seed {seeds[0]} takes no effect: draws divide and train; name them with --draw")
    return choose_rows(experiment, names)


def _loaded(name: str, changes: Mapping[str, Any], asked: Sequence[str]) -> tuple[Experiment, list[str]]:
    """Read an experiment with the rows that are asked for, and return it with their names.

    Rows are added before values are set, so that ``--set`` reaches them. Where the file is wrong, what its rows name is
    checked at once.
    """
    path = find_experiment(name)
    table = read_experiment(path)
    listed = _tables(table.get("compare"))
    names, added = rows_asked(asked, [(str(row.get("name")), str(row.get("strategy"))) for row in listed])
    if added and isinstance(rows := table.get("compare", []), list):
        table["compare"] = [*rows, *({"name": row.name, "strategy": row.strategy} for row in added)]
    try:
        return Experiment.from_table(table, path.name, changes), names
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


def rows_asked(
    asked: Sequence[str], there: Sequence[tuple[str, str]], resumed: bool = False
) -> tuple[list[str], list[RowSpec]]:
    """Return the names of the rows that are asked for, and those of them that are not there yet.

    Parameters
    ----------
    asked : sequence of str
        Names of rows, of strategies, or ``module:Class``. A class whose name is taken gets a number.
    there : sequence of (str, str)
        The name and the strategy of each row that is there.
    resumed : bool
        They are those of a run, whose rows are found by their strategy too.

    Raises
    ------
    UserError
        Where there is no row and no strategy of a name.
    """
    taken, names, added = [name for name, _ in there], list[str](), list[RowSpec]()
    for word in asked:
        same = [name for name, strategy in there if resumed and strategy == word]
        if word in taken or same:
            names.append(word if word in taken else same[0])
            continue
        row = row_of(word)
        row = replace(row, name=_free(row.name, taken))
        taken.append(row.name)
        names.append(row.name)
        added.append(row)
    return names, added


def _free(name: str, taken: Sequence[str]) -> str:
    """Return a name, with the first number behind it that is free where it is taken."""
    return next(free for free in chain([name], (f"{name}-{n}" for n in count(2))) if free not in taken)


def choose_rows(experiment: Experiment, names: Sequence[str]) -> Experiment:
    """Keep the rows that are named, in this order; without names all."""
    rows = {row.name: row for row in experiment.compare}
    return experiment.only(compare=tuple(rows[name] for name in names)) if names else experiment
