"""An experiment: everything that determines a comparison, read from one TOML file.

The four choices of a row (strategy, objective, protection, codec) are independent: nothing here asks
in one which of the others is in use.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.decoding.decoding_spec import DecodingSpec
from fedasr.asr.heads.head import HEADS
from fedasr.common.errors import UserError, nearest
from fedasr.common.settings import Mistake, Settings, SettingsError, number, one_of, to_table
from fedasr.common.settings.tables import read
from fedasr.corpora.spec import NODES, CorpusSpec
from fedasr.experiment.choices import wrong_choices
from fedasr.experiment.finding import find_experiment
from fedasr.experiment.located import PUBLIC_WITHIN, located
from fedasr.experiment.model import MADE_STARTS, ModelSpec
from fedasr.experiment.overrides import origin, overridden
from fedasr.experiment.row_spec import MOST_BYTES_OF_A_NAME, RowSpec
from fedasr.experiment.training import ALTERNATIVES, TrainingSpec
from fedasr.experiment.work_spec import WorkSpec
from fedasr.student.trainer import TrainerSpec
from fedasr.training.iterates import BEST, LAST, MEAN


@dataclass(frozen=True)
class Experiment(Settings):
    """What determines a run.

    Parameters
    ----------
    name : str
        What the run folder is called after; that of the file where it is left out.
    seed : int
        Where all chance of the experiment comes from, but for noise behind a guarantee.
    seeds : tuple of int
        Several seeds make several rows of each point; empty means `seed` alone. With `draws` seed k trains as
        1000 · draw + k.
    draws : tuple of int
        Several draws of the speakers (silos, public, test), each a run of its own in the folder, as `seed` = draw and
        `corpus.test_fold` = draw make it; `seed` itself is not used then. Draws of one seed say more than seeds of one
        draw.
    corpus : CorpusSpec
    model : ModelSpec
    roles : mapping
        Recognisers of another shape: for each role (``teacher``) the settings of `model` that differ in it.
    training : TrainingSpec
    work : WorkSpec
        How much every row takes of the silos' speech.
    central : TrainerSpec
        How the centre trains (the row ``centralised``).
    start : TrainerSpec
        How the start is trained on labelled public speech.
    augment : AugmentSpec
    decoding : DecodingSpec
    compare : tuple of RowSpec
    scored : str
        By which weights all rows are scored: ``"mean"``, that of the model over the last third of a row's rounds;
        ``"last"``; or ``"best"``, those of the evaluated round with the lowest WER on development speakers.
    reproducible_noise : bool
        Noise behind a guarantee from the seed, so that its bits repeat: the guarantee is void, and the report says so.
    """

    name: str
    seed: int = number(1, least=0)
    seeds: tuple[int, ...] = number((), least=0)
    draws: tuple[int, ...] = number((), least=1, most=999)
    corpus: CorpusSpec = field(default_factory=CorpusSpec)
    model: ModelSpec = field(default_factory=ModelSpec)
    roles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    training: TrainingSpec = field(default_factory=TrainingSpec)
    work: WorkSpec = field(default_factory=WorkSpec)
    central: TrainerSpec = field(default_factory=TrainerSpec)
    start: TrainerSpec = field(default_factory=TrainerSpec)
    augment: AugmentSpec = field(default_factory=AugmentSpec)
    decoding: DecodingSpec = field(default_factory=DecodingSpec)
    compare: tuple[RowSpec, ...] = ()
    scored: str = one_of(MEAN, MEAN, LAST, BEST)
    reproducible_noise: bool = False

    def conflicts(self) -> Iterable[Mistake]:
        """Yield what does not fit together between the parts."""
        if len(self.name.encode()) > MOST_BYTES_OF_A_NAME:
            yield Mistake(f"{{0}} is too long for a folder: at most {MOST_BYTES_OF_A_NAME} bytes", ("name",))
        names = [row.name for row in self.compare]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Mistake(f"two rows are called '{name}'; give each its own name")
        for place, row in enumerate(self.compare):
            yield from (*self._read_training(row)[1], *self._read_central(row)[1])
            if row.role and row.role not in self.roles:
                near = nearest(row.role, self.roles)
                yield Mistake(f"'compare.{row.name}.role' is '{row.role}', a role that is not there{near}")
            if row.parent is not None and row.parent not in names[:place]:
                why = "stands after it" if row.parent in names else f"is not there{nearest(row.parent, names)}"
                yield Mistake(f"'compare.{row.name}.start' is '{row.start}', a row that {why}")
            elif row.parent is not None and self._shape(row) != self._shape(self.compare[names.index(row.parent)]):
                words = "a row whose recogniser has another shape; give both one role"
                yield Mistake(f"'compare.{row.name}.start' is '{row.start}', {words}")
        for role in self.roles:
            yield from self._read_role(role)[1]
            for key in sorted(SHARED & self.roles[role].keys()):
                yield Mistake(f"'roles.{role}.{key}' may not differ: speech, tokens and start are one for all roles")
            shape = self._read_role(role)[0]
            if self.model.start not in MADE_STARTS and shape and shape.recogniser() != self.model.recogniser():
                text = f"'roles.{role}' has another shape than {{0}}, a file; set that to 'public' or 'scratch'"
                yield Mistake(text, ("model.start",))
            head = str(self.roles[role].get("head", self.model.head))
            if labels_frames(head) != labels_frames(self.model.head):
                yield Mistake(f"'roles.{role}.head' may not differ in whether it labels frames: so do tokens, for all")
        if self.model.start == "public" and self.corpus.public_speakers == 0 and self.corpus.public in PUBLIC_WITHIN:
            keys = ("model.start", "corpus.public_speakers")
            yield Mistake("{0} is 'public' but {1} is 0; set it to at least 1, or the start to 'scratch'", keys)
        if self.decoding.pronunciations and self.model.tokens != "phones":
            yield Mistake(
                "{0} takes no effect; it goes with {1} = 'phones'", ("decoding.pronunciations", "model.tokens")
            )
        yield from self._unused()
        yield from self._work_conflicts()
        if len(set(self.seeds)) != len(self.seeds):
            yield Mistake("{0} names a seed twice", ("seeds",))
        yield from self._draw_conflicts()

    def _unused(self) -> Iterable[Mistake]:
        """Refuse settings that nothing takes: neither the model nor that of a role, no row's optimizer."""
        models = [self.model, *filter(None, (self._read_role(role)[0] for role in self.roles))]
        for key in sorted(set.intersection(*(model.unused() for model in models))):
            yield Mistake(
                "{0} takes no effect: encoder, head and tokens do not use it; leave it out", (f"model.{key}",)
            )
        own = [row for row in self.compare if row.training.keys() & {"momentum", "optimizer"}]
        if (self.training.optimizer, bool(self.training.momentum)) == ("adamw", True) and not own:
            yield Mistake("{0} takes no effect; it goes with optimizer = 'sgd'", ("training.momentum",))
        for row in own:
            training = self._read_training(row)[0]
            if training is not None and row.training.get("momentum") and training.optimizer == "adamw":
                key = f"compare.{row.name}.training.momentum"
                yield Mistake(f"'{key}' takes no effect; it goes with optimizer = 'sgd'")

    def _draw_conflicts(self) -> Iterable[Mistake]:
        if len(set(self.draws)) != len(self.draws):
            yield Mistake("{0} names a draw twice", ("draws",))
        if self.draws and max(self.seeds, default=0) >= SEEDS_OF_A_DRAW:
            yield Mistake(f"{{0}} must be below {SEEDS_OF_A_DRAW} with 'draws'", ("seeds",))
        if self.draws and self.corpus.partition == NODES:
            yield Mistake("{0} take no effect with partition 'nodes': nobody divides speakers; remove them", ("draws",))
        if self.draws and self.corpus.test_fold:
            yield Mistake("{0} is what 'draws' sets; remove one of the two", ("corpus.test_fold",))

    def _work_conflicts(self) -> Iterable[Mistake]:
        if self.work.utterances and self.training.rounds != TrainingSpec().rounds:
            text = "{0} takes no effect, since {1} gives each row its rounds; state them in a row's own training"
            yield Mistake(text, ("training.rounds", "work.utterances"))
        if self.work.utterances and self.corpus.partition == NODES:
            text = "{0} needs to know what each silo holds, and with {1} = 'nodes' only the nodes do; leave it out"
            yield Mistake(text, ("work.utterances", "corpus.partition"))

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
            Where the file is missing, is not TOML, or says something that cannot be, of a strategy's options, an
            objective, a protection or a codec too; what only a strategy that is built refuses is told by the run.
        """
        path = find_experiment(str(name_or_path))
        experiment = cls.from_table(read_experiment(path), path.name, overrides)
        if wrong := wrong_choices(experiment.compare):
            raise UserError(*(f"{path.name}: {line}" for line in wrong))
        return experiment

    @classmethod
    def from_table(
        cls, table: Mapping[str, Any], where: str = "experiment", overrides: Mapping[str, Any] | None = None
    ) -> Experiment:
        """Return the experiment of a table as TOML gives it, some values set by dotted keys.

        Raises
        ------
        SettingsError
            All mistakes, each told of the file or of the override it was made in.
        """
        table, set_by = overridden(table, overrides or {})
        experiment, mistakes = read(cls, table)
        if experiment is None:
            raise SettingsError.of(mistakes, lambda mistake: origin(mistake, set_by, where))
        return experiment

    def with_value(self, key: str, value: Any) -> Experiment:
        """Return the experiment with one value set by its dotted key; see `with_values`."""
        return self.with_values({key: value})

    def with_values(self, overrides: Mapping[str, Any]) -> Experiment:
        """Return the experiment with values set by dotted keys; ``compare.NAME.key`` reaches into the row NAME."""
        return Experiment.from_table(to_table(self), self.name, overrides)

    def to_toml(self) -> str:
        """Return the resolved experiment as TOML."""
        return tomli_w.dumps(to_table(self))

    def training_of(self, row: RowSpec) -> TrainingSpec:
        """Return the training settings of one row."""
        training, mistakes = self._read_training(row)
        if training is None:
            raise SettingsError.of(mistakes, self.name)
        return training

    def central_of(self, row: RowSpec) -> TrainerSpec:
        """Return how the centre trains in one row."""
        central, mistakes = self._read_central(row)
        if central is None:
            raise SettingsError.of(mistakes, self.name)
        return central

    def _read_training(self, row: RowSpec) -> tuple[TrainingSpec | None, list[Mistake]]:
        return read(TrainingSpec, _over(to_table(self.training), row.training), f"compare.{row.name}.training")

    def _read_central(self, row: RowSpec) -> tuple[TrainerSpec | None, list[Mistake]]:
        return read(TrainerSpec, _over(to_table(self.central), row.central), f"compare.{row.name}.central")

    def model_of(self, role: str) -> ModelSpec:
        """Return the recogniser of a role; one that is not set has the shape of `model`."""
        model, mistakes = self._read_role(role)
        if model is None:
            raise SettingsError.of(mistakes, self.name)
        return model

    def _shape(self, row: RowSpec) -> ModelSpec | None:
        return self._read_role(row.role)[0]

    def _read_role(self, role: str) -> tuple[ModelSpec | None, list[Mistake]]:
        return read(ModelSpec, {**to_table(self.model), **self.roles.get(role, {})}, f"roles.{role}")

    def rows(self) -> list[tuple[RowSpec, int]]:
        """Return each row with each of its seeds."""
        return [(row, seed) for row in self.compare for seed in self.seeds or (self.seed,)]

    def of_draw(self, draw: int) -> Experiment:
        """Return the experiment of one draw of the speakers: its number divides, and trains where no seeds do."""
        seeds = tuple(SEEDS_OF_A_DRAW * draw + seed for seed in self.seeds)
        corpus = replace(self.corpus, test_fold=draw) if self.corpus.has_folds else self.corpus
        return replace(self, seed=draw, seeds=seeds, draws=(), corpus=corpus)

    def behind(self, row: RowSpec) -> tuple[RowSpec, ...]:
        """Return the rows behind a row, the one that it begins from last; none where it begins from the start."""
        by_name, behind = {other.name: other for other in self.compare}, []
        while row.parent is not None:
            row = by_name[row.parent]
            behind.append(row)
        return tuple(reversed(behind))

    def folder_of(self, row: RowSpec, seed: int) -> str:
        """Return the folder of a row inside the run folder."""
        return row.name if len(self.seeds) < 2 else f"{row.name}@{seed}"

    def only(self, **changes: Any) -> Experiment:
        """Return a copy with whole fields replaced."""
        return replace(self, **changes)


def read_experiment(path: Path) -> dict[str, Any]:
    """Return the table of an experiment's file, its paths absolute, called after the file where it has no name.

    Raises
    ------
    UserError
        Where it is not TOML.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a TOML file: {error}") from error
    table.setdefault("name", path.stem)
    return located(table, path.absolute().parent)


def _over(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings that all share with a row's own in their place; one of two alternatives takes the other's."""
    gone = {key for pair in ALTERNATIVES if any(key in own for key in pair) for key in pair}
    return {**{key: value for key, value in shared.items() if key not in gone}, **own}


def labels_frames(head: str) -> bool:
    """Say whether a head learns a label a frame; what is no head does not."""
    return head in HEADS.known() and HEADS.find(head).is_aligned


SHARED = frozenset(("start", "tokens", "alphabet", "alignments", "pieces", "mels", "sample_rate_hz"))
"""Settings of the model that are one for all roles."""

SEEDS_OF_A_DRAW = 1000
"""Seeds of different draws are kept apart by so much: no two draws share dice."""
