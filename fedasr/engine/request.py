"""What a command line asks for: an experiment with its overrides."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment, check
from fedasr.runs.folder import Run
from fedasr.server.strategies_by_name import row_of

DEFAULT = "quickstart"


def requested(
    name: str | None, data: Path | None, strategies: Sequence[str], settings: Sequence[str],
    seeds: Sequence[int], resume: Path | None,
) -> Experiment:  # fmt: skip
    """Return the experiment that a command line describes.

    Raises
    ------
    UserError
        Where it describes none.
    """
    changes: list[tuple[str, Any]] = [("corpus.path", str(data))] if data else []
    changes += [parse_setting(text) for text in settings]
    if len(seeds) == 1:
        changes.append(("seed", seeds[0]))
    if len(seeds) > 1:
        changes += [("seed", seeds[0]), ("seeds", list(seeds))]
    experiment = Run.open(resume).experiment if resume and name is None else Experiment.load(name or DEFAULT)
    for key, value in changes:
        experiment = experiment.with_value(key, value)
    return check(choose_rows(experiment, strategies), "--set" if changes else experiment.name)


def parse_setting(text: str) -> tuple[str, Any]:
    """Return key and value of ``KEY=VALUE``; a value that is not TOML is a text."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set {text}: write KEY=VALUE, such as training.rounds=20")
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
