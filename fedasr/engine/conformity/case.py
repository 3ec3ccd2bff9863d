"""The case: which algorithms are tried, on what speech, and in which rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.engine.conformity.outcome import PRIVATE
from fedasr.engine.conformity.tones import PUBLIC, SILOS, write_speech
from fedasr.engine.named import refusals
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.strategy_options import STRATEGIES, strategy_class
from fedasr.server.strategies_by_name import row_of

TABLE: dict[str, Any] = {
    "name": "conform",
    "seed": 3,
    "reproducible_noise": True,
    "corpus": {
        "kind": "manifest", "public_labelled": 0.67, "development_speakers": 0, "test_speakers": 1,
    },
    "model": {"encoder": "bilstm", "layers": 1, "units": 12, "mels": 16, "dropout": 0.1},
    "start": {"epochs": 1, "batch_size": 4},
    "central": {"epochs": 3, "batch_size": 4},
    "training": {"rounds": 3, "local_steps": 2, "batch_size": 2, "learning_rate": 0.05, "silos_per_round": 3},
}  # fmt: skip
PRIVACY: dict[str, Any] = {"noise_multiplier": 1.0, "batch_size": 1}


@dataclass(frozen=True)
class Case:
    """What is tried.

    Parameters
    ----------
    algorithms : tuple of str
        Names of strategies, or ``module:Class``.
    options : mapping
        Of the one strategy that is tried.
    settings : mapping
        Values of the experiment by dotted keys.
    is_private : bool
        Whether each algorithm is tried under DP-SGD, too.
    seconds : float, optional
        After which a leg is ended, in the place of its own limit.
    """

    algorithms: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_private: bool = True
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not self.algorithms:
            raise UserError("name an algorithm (a strategy's name, or module:Class), or say --all")
        if self.options and len(self.algorithms) > 1:
            raise UserError("--options are of one algorithm; name one")

    @classmethod
    def of_all(cls, settings: Mapping[str, Any], is_private: bool = True, seconds: float | None = None) -> Case:
        """Return the case of every strategy that is registered."""
        return cls(tuple(STRATEGIES.known()), {}, settings, is_private, seconds)

    def rows(self) -> tuple[RowSpec, ...]:
        """Return a plain row for each algorithm, and a private one."""
        plain = [replace(row_of(name), options={**_small(name), **self.options}) for name in self.algorithms]
        return tuple(r for row in plain for r in (row, _private(row))) if self.is_private else tuple(plain)

    def experiment(
        self, folder: Path, silos: Sequence[int] = SILOS, is_whole: bool = False, is_scored: bool = True
    ) -> Experiment:
        """Write the speech under a folder, unless it is there, and return the experiment.

        Parameters
        ----------
        folder : Path
        silos : sequence of int
            The utterances of each silo.
        is_whole : bool
            Whether all silos take part in every round.
        is_scored : bool
            Whether a speaker is held out to score on; without one there are two rounds of all silos.

        Raises
        ------
        UserError
            Where the algorithm, an option or a setting is refused.
        """
        counts = (*silos, 4) if is_scored else tuple(silos)
        places = {"path": (folder / "silos", counts, "s"), "public": (folder / "public", PUBLIC, "p")}
        for place, utterances, speaker in places.values():
            if not place.exists():
                write_speech(place, utterances, speaker)
        table = {**TABLE, "compare": []}
        table["corpus"] = {**TABLE["corpus"], **{key: str(place) for key, (place, _, _) in places.items()}}
        if not is_scored:
            table["corpus"]["test_speakers"] = 0
            table["training"] = {**TABLE["training"], "rounds": 2}
        if is_whole:
            table["training"] = {**table["training"], "silos_per_round": 0}
        experiment = Experiment.from_table(table, "--set", self.settings)
        if wrong := refusals(row for row in self.rows() if not row.name.endswith(PRIVATE)):
            raise UserError(*wrong)
        return experiment.only(compare=tuple(row for row in self.rows() if _can_be_had(row)))

    def write(self, experiment: Experiment, path: Path) -> Path:
        """Write an experiment of the case as a file that other processes read."""
        path.write_text(experiment.to_toml(), encoding="utf-8")
        return path


def _small(name: str) -> Mapping[str, Any]:
    """Return the options that an algorithm asks for in as few rounds as are tried (its attribute `conform_options`)."""
    found: Mapping[str, Any] = getattr(strategy_class(name), "conform_options", {})
    return found


def _can_be_had(row: RowSpec) -> bool:
    """Return whether a row is not refused: some algorithms bring a protection, and cannot be had under another."""
    return not (row.name.endswith(PRIVATE) and refusals([row]))


def _private(row: RowSpec) -> RowSpec:
    return replace(row, name=row.name + PRIVATE, protection="dp-sgd", protection_options=PRIVACY)
