"""An experiment: everything that determines a comparison, read from one TOML file.

The four choices of a row (strategy, objective, protection, codec) are independent: nothing here asks
in one which of the others is in use.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.encoders import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.recogniser import RecogniserSpec
from fedasr.common.errors import UserError, nearest
from fedasr.common.settings import from_table, least, one_of, share, to_table
from fedasr.corpora.spec import CorpusSpec
from fedasr.student.trainer import TrainerSpec


@dataclass(frozen=True)
class ModelSpec:
    """The recogniser, its tokens and its start.

    Parameters
    ----------
    start : str
        ``"public"`` (trained on labelled public speech first), ``"scratch"``, or the path of a
        ``model.safetensors``.
    tokens : str
        ``"characters"``, ``"words"`` or ``"pieces"``; learnt on public text only.
    pieces : int
        At most so many sentencepieces.
    encoder, layers, units, dropout, heads, kernel
        See `fedasr.asr.encoders.EncoderSpec`.
    head, ctc_weight, predictor_units
        See `fedasr.asr.recogniser.RecogniserSpec`.
    mels, sample_rate_hz
        See `fedasr.asr.features.FeatureSpec`.
    """

    start: str = "public"
    tokens: str = one_of("characters", "characters", "words", "pieces")
    pieces: int = least(128, 4)
    encoder: str = one_of("bilstm", "lstm", "bilstm", "conformer")
    layers: int = least(3, 1)
    units: int = least(256, 1)
    dropout: float = field(default=0.2, metadata={"least": 0.0, "most": 0.95})
    heads: int = least(4, 1)
    kernel: int = least(15, 1)
    head: str = one_of("ctc", "ctc", "transducer", "joint")
    ctc_weight: float = share(0.3)
    predictor_units: int = least(256, 1)
    mels: int = least(64, 8)
    sample_rate_hz: int = field(default=16_000, metadata={"least": 4_000, "most": 48_000})

    def recogniser(self) -> RecogniserSpec:
        """Return the shape of the recogniser."""
        encoder = EncoderSpec(self.encoder, self.layers, self.units, self.dropout, self.heads, self.kernel)
        features = FeatureSpec(self.sample_rate_hz, self.mels)
        return RecogniserSpec(features, encoder, self.head, self.ctc_weight, self.predictor_units)


@dataclass(frozen=True)
class TrainingSpec:
    """Rounds, and what a silo does in one.

    Parameters
    ----------
    rounds : int
    local_steps : int
        Optimizer steps of a silo in a round.
    silos_per_round : int
        Silos drawn for a round; 0 means all.
    least_replies : float
        A round with a smaller share of good replies ends the row.
    batch_size : int
        Utterances of a local step.
    optimizer : str
        ``"sgd"`` or ``"adamw"``; its state is new in every round.
    learning_rate, momentum, weight_decay : float
    gradient_norm : float
        Local gradients are clipped to this global L2 norm (for stability; it promises no privacy).
    decay : float
        The learning rate falls linearly over the rounds to this share of itself.
    evaluate_every : int
        Rounds between evaluations on the development speakers; the last round is always evaluated.
    timeout_seconds : float
        A silo that has not replied by then counts as failed in that round.
    """

    rounds: int = least(20, 1)
    local_steps: int = least(2, 1)
    silos_per_round: int = least(0, 0)
    least_replies: float = share(0.5)
    batch_size: int = least(8, 1)
    optimizer: str = one_of("sgd", "sgd", "adamw")
    learning_rate: float = least(0.1, 0.0)
    momentum: float = share(0.0)
    weight_decay: float = least(0.0, 0.0)
    gradient_norm: float = least(5.0, 0.0)
    decay: float = share(1.0)
    evaluate_every: int = least(1, 1)
    timeout_seconds: float = least(3600.0, 0.1)


@dataclass(frozen=True)
class RowSpec:
    """One row of the comparison: a point in strategy × objective × protection × codec.

    Parameters
    ----------
    name : str
        The row and its folder.
    strategy : str
        A name of the entry-point group ``fedasr.strategies``, or ``module:Class``.
    objective, protection : str
    codec : str
        What replies travel as; ``"auto"`` is what the strategy proposes, ``"dense"`` where it proposes nothing.
    network : str
        The simulated links: ``"none"``, a preset's name, or the path of a TOML file.
    options : mapping
        Keyword arguments of the strategy.
    codec_options, protection_options : mapping
        Settings of the codec and of the protection.
    training : mapping
        Settings of ``[training]`` that differ in this row.
    """

    name: str
    strategy: str
    objective: str = one_of("supervised", "supervised")
    protection: str = one_of("none", "none", "dp-sgd")
    codec: str = "auto"
    network: str = "none"
    options: Mapping[str, Any] = field(default_factory=dict)
    codec_options: Mapping[str, Any] = field(default_factory=dict)
    protection_options: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


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


def shipped_experiments() -> dict[str, Path]:
    """Return the experiments that come with fedasr, by name."""
    folder = Path(str(resources.files("fedasr.simulations")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_experiment(name_or_path: str) -> Path:
    """Return the file of an experiment, given its path or the name of a shipped one."""
    path = Path(name_or_path)
    if path.suffix == ".toml":
        if not path.is_file():
            raise UserError(f"{path}: there is no such file")
        return path
    shipped = shipped_experiments()
    if name_or_path not in shipped:
        raise UserError(f"there is no experiment '{name_or_path}'{nearest(name_or_path, shipped)}")
    return shipped[name_or_path]
