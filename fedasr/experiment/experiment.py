"""An experiment: everything that determines a comparison, read from one TOML file.

The four choices of a row (strategy, objective, protection, codec) are independent: nothing here asks
in one which of the others is in use.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from fedasr.asr.augment import AugmentSpec
from fedasr.common.errors import UserError, nearest
from fedasr.common.settings import from_table, least, to_table
from fedasr.corpora.spec import CorpusSpec
from fedasr.experiment.finding import find_experiment
from fedasr.experiment.model import ModelSpec
from fedasr.experiment.row import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.student.trainer import TrainerSpec


@dataclass(frozen=True)
class Experiment:
    """What determines a run.

    Parameters
    ----------
    name : str
    seed : int
    seeds : tuple of int
        Several seeds make several rows of each point; empty means `seed` alone.
    corpus : CorpusSpec
    model : ModelSpec
    training : TrainingSpec
    central : TrainerSpec
        How the centre trains (the row ``centralised``).
    start : TrainerSpec
        How the start is trained on labelled public speech.
    augment : AugmentSpec
    compare : tuple of RowSpec
    reproducible_noise : bool
        Noise behind a guarantee from the seed, so that its bits repeat: the guarantee is void, and the report says so.
    """

    name: str
    seed: int = least(1, 0)
    seeds: tuple[int, ...] = ()
    corpus: CorpusSpec = field(default_factory=CorpusSpec)
    model: ModelSpec = field(default_factory=ModelSpec)
    training: TrainingSpec = field(default_factory=TrainingSpec)
    central: TrainerSpec = field(default_factory=TrainerSpec)
    start: TrainerSpec = field(default_factory=TrainerSpec)
    augment: AugmentSpec = field(default_factory=AugmentSpec)
    compare: tuple[RowSpec, ...] = ()
    reproducible_noise: bool = False

    @classmethod
    def load(cls, name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Experiment:
        """Read an experiment from a TOML file, or a shipped one by its name.

        Parameters
        ----------
        name_or_path : str or Path
        overrides : mapping, optional
            Values by dotted key, such as ``{"training.rounds": 20}``.

        Raises
        ------
        UserError
            Where the file is missing, is not TOML, or says something that cannot be.
        """
        path = find_experiment(str(name_or_path))
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: not a TOML file: {error}") from error
        table.setdefault("name", path.stem)
        return cls.from_table(table, path.name, overrides)

    @classmethod
    def from_table(
        cls, table: Mapping[str, Any], where: str = "experiment", overrides: Mapping[str, Any] | None = None
    ) -> Experiment:
        """Return the experiment of a table as TOML gives it, checked."""
        experiment = from_table(cls, table, where)
        for key, value in (overrides or {}).items():
            experiment = experiment.with_value(key, value)
        return check(experiment, where)

    def with_value(self, key: str, value: Any) -> Experiment:
        """Return the experiment with one value set by its dotted key.

        ``compare.NAME.key`` reaches into the row called NAME.
        """
        table = to_table(self)
        *parents, last = key.split(".")
        place: Any = table
        for parent in parents:
            place = _inside(place, parent, key)
        if not isinstance(place, dict):
            raise UserError(f"--set {key}: there is no such key")
        place[last] = value
        return from_table(Experiment, table, f"--set {key}")

    def to_toml(self) -> str:
        """Return the resolved experiment as TOML."""
        return tomli_w.dumps(to_table(self))

    def training_of(self, row: RowSpec) -> TrainingSpec:
        """Return the training settings of one row."""
        table = {**to_table(self.training), **row.training}
        return from_table(TrainingSpec, table, self.name, f"compare.{row.name}.training.")

    def rows(self) -> list[tuple[RowSpec, int]]:
        """Return each row with each of its seeds."""
        return [(row, seed) for row in self.compare for seed in self.seeds or (self.seed,)]

    def folder_of(self, row: RowSpec, seed: int) -> str:
        """Return the folder of a row inside the run folder."""
        return row.name if len(self.seeds) < 2 else f"{row.name}@{seed}"

    def only(self, **changes: Any) -> Experiment:
        """Return a copy with whole fields replaced."""
        return replace(self, **changes)


def _inside(place: Any, key: str, whole: str) -> Any:
    if isinstance(place, list):
        named = {row["name"]: row for row in place if isinstance(row, dict) and "name" in row}
        if key not in named:
            raise UserError(f"--set {whole}: there is no row '{key}'{nearest(key, named)}")
        return named[key]
    if not isinstance(place, dict):
        raise UserError(f"--set {whole}: there is no such key")
    if key not in place:
        raise UserError(f"--set {whole}: unknown key '{key}'{nearest(key, place)}")
    return place[key]


def check(experiment: Experiment, where: str) -> Experiment:
    """Return the experiment if its parts fit together.

    Raises
    ------
    UserError
        Where they do not.
    """
    names = [row.name for row in experiment.compare]
    for row in experiment.compare:
        if not re.fullmatch(r"[\w.+-]+", row.name):
            raise UserError(f"{where}: the row name '{row.name}' may hold letters, digits and . _ + - only")
        if row.name in NOT_ROWS or row.name.startswith("."):
            raise UserError(f"{where}: a row may not be called '{row.name}', which names a part of the run folder")
        if names.count(row.name) > 1:
            raise UserError(f"{where}: two rows are called '{row.name}'; give each its own name")
        experiment.training_of(row)
    corpus = experiment.corpus
    if corpus.partition != "natural" and corpus.silos == 0:
        raise UserError(f"{where}: 'corpus.silos' must be at least 1 with the {corpus.partition} partition")
    if experiment.model.encoder == "conformer" and experiment.model.kernel % 2 == 0:
        raise UserError(f"{where}: 'model.kernel' must be odd, not {experiment.model.kernel}")
    if experiment.model.encoder == "conformer" and experiment.model.units % experiment.model.heads:
        units, heads = experiment.model.units, experiment.model.heads
        raise UserError(f"{where}: 'model.units' ({units}) must be a multiple of 'model.heads' ({heads})")
    if experiment.model.start == "public" and corpus.public_speakers == 0 and corpus.public in PUBLIC_WITHIN:
        raise UserError(
            f"{where}: 'model.start' is 'public' but 'corpus.public_speakers' is 0; "
            "set it to at least 1, or 'model.start' to 'scratch'"
        )
    if len(set(experiment.seeds)) != len(experiment.seeds):
        raise UserError(f"{where}: 'seeds' names a seed twice")
    if min(experiment.seeds, default=0) < 0:
        raise UserError(f"{where}: 'seeds' must be at least 0, not {min(experiment.seeds)}")
    return experiment


NOT_ROWS = ("experiment.toml", "environment.json", "partition.json", "report.html", "start", "summary.json")
"""What else lies in a run folder, beside one folder a row."""


PUBLIC_WITHIN = ("same", "other accent")
"""Values of ``corpus.public`` that divide the corpus itself."""
