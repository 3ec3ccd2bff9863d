"""More rounds for a run: a row goes on from its last checkpoint where that gives the bits of the longer training.

Where something in it depends on how many rounds there are, it is trained again from its start. A protected row is
refused: its noise and its promise are planned for its rounds, and what it published would be published once more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
from flwr.serverapp.strategy import Strategy

from fedasr.common.errors import UserError
from fedasr.engine.decoding_text import carries_epsilon
from fedasr.engine.preparation import Prepared
from fedasr.experiment.choices import objective_of
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.round_counts import have_more
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.strategy_options import strategy_class
from fedasr.runs.file_names import LEDGER
from fedasr.runs.folder import Run
from fedasr.runs.longer_row import go_on, remove, stay
from fedasr.runs.made_of import experiment_of, one_row
from fedasr.runs.row_folder import RowFolder
from fedasr.server.client_of import client_of
from fedasr.server.foreign.own_loop import has_own_start
from fedasr.server.strategies_by_name import build_strategy
from fedasr.server.strategy_state import UnsavableError, state_of
from fedasr.training.iterates import MEAN, counts
from fedasr.training.objectives.objective import Objective

log = logging.getLogger("fedasr")


@dataclass(frozen=True)
class Extension:
    """A row that was begun with fewer rounds than it, or a row that it begins from, has now.

    Parameters
    ----------
    row : RowSpec
    seed : int
    folder : RowFolder
    there, here : Experiment
        Of this row alone and those behind it, as it was begun and now.
    """

    row: RowSpec
    seed: int
    folder: RowFolder
    there: Experiment
    here: Experiment

    @property
    def rounds(self) -> int:
        """The rounds that the row was begun with."""
        return self.there.training_of(self.there.compare[-1]).rounds

    @property
    def has_promised(self) -> bool:
        """Whether anything of the row was published under a guarantee, or paid for."""
        return bool(self.folder.releases.keys()) or (self.folder.releases.path / LEDGER).exists()

    @property
    def changed(self) -> tuple[RowSpec, ...]:
        """Those among the row and the rows behind it that depend on their rounds, and have more now."""
        rounds = [[known.training_of(row).rounds for row in known.compare] for known in (self.there, self.here)]
        pairs = zip(self.here.compare, *rounds, strict=True)
        return tuple(row for row, old, new in pairs if old != new and _reads_rounds(strategy_class(row.strategy)))

    def why_anew(self, silos: int) -> str:
        """Return why the row is trained again from its start; empty where it goes on from its last checkpoint."""
        if any(row != self.row for row in self.changed):
            return "the row that it begins from is another now"
        return next(self._reasons(silos, self._saved()), "")

    def _reasons(self, silos: int, saved: int) -> Iterator[str]:
        """Yield what in the rounds up to the one that was saved depends on how many there are."""
        training = self.here.training_of(self.row)
        before = build_strategy(self.row, replace(training, rounds=self.rounds), silos)
        strategy = build_strategy(self.row, training, silos)
        client = client_of(self.row, strategy, training)
        if not saved:
            yield "no round of it was saved"
        if training.decay != 1:
            yield "its learning rate falls over the rounds"
        if type(objective_of(self.row)).at is not Objective.at:
            yield "its objective changes over the rounds"
        if client is not None and client.reads_rounds:
            yield "what its silos do may depend on the number of rounds"
        if has_own_start(strategy):
            yield "its strategy has a loop of its own"
        if not _alike(before, strategy):
            yield "its strategy is set by the number of rounds"
        if self.here.scored == MEAN and any(counts(round, training.rounds) for round in range(1, saved + 1)):
            yield f"the mean by which it is scored begins before round {saved + 1}"

    def _saved(self) -> int:
        """Return the round of the last checkpoint, 0 where there is none that can be read."""
        try:
            found = self.folder.load_checkpoint()
            for _ in self.folder.silo_states(found[1]) if found else ():
                pass
        except UserError:
            return 0
        return int(found[1]["round"]) if found else 0


def check_extension(run: Run) -> None:
    """Refuse to give rows of a run more rounds that cannot have them.

    Parameters
    ----------
    run : Run
        With the rounds that its rows are to have.

    Raises
    ------
    UserError
        A line for each row that is protected, or that an earlier version began.
    """
    wrong = []
    for each in extensions(run):
        if each.changed and (carries_epsilon(run.experiment, each.row) or each.has_promised):
            told = f"compare.{each.row.name}: a protected row's number of rounds is part of its guarantee"
            mend = f"keep it (--set compare.{each.row.name}.training.rounds={each.rounds}), or start a run with more"
            wrong.append(f"{told}; {mend}")
    for row, seed in run.experiment.rows():
        folder = run.row(row, seed)
        if folder.made_of() is None and (folder.summary() or folder.rounds()):
            wrong.append(f"{folder.path}: an earlier version began the row; start a run with more rounds")
    if wrong:
        raise UserError(*dict.fromkeys(wrong))


def extensions(run: Run) -> list[Extension]:
    """Return the rows of a run that were begun with fewer rounds."""
    found = []
    for row, seed in run.experiment.rows():
        folder = run.row(row, seed)
        if (made_of := folder.made_of()) is not None:
            there, here = experiment_of(made_of), one_row(run.experiment, row, seed)
            if have_more(there, here):
                found.append(Extension(row, seed, folder, there, here))
    return found


def extend(run: Run, prepared: Prepared) -> None:
    """Have rows that were begun with fewer rounds go on, or begin anew, and say which do what.

    An interruption loses nothing but what is trained again: the rest is found and done when the run goes on.
    """
    if not (found := extensions(run)):
        return
    run.write_experiment()
    told = list(filter(None, (_extend(each, len(prepared.partition.silos)) for each in found)))
    log.warning("more rounds: %s", "; ".join(told) or "no row depends on them")
    run.write_summary(version("fedasr"), run.ended())


def _extend(each: Extension, silos: int) -> str:
    """Have a row be one of more rounds, and return what it does, in words; nothing of one that stays as it is."""
    name, experiment = each.folder.path.name, each.here.to_toml()
    if not each.changed:
        stay(each.folder, experiment)
        return ""
    if why := each.why_anew(silos):
        remove(each.folder)
        return f"{name} is trained again from its start ({why})"
    go_on(each.folder, experiment)
    return f"{name} goes on"


def _reads_rounds(strategy: type[Strategy]) -> bool:
    return bool(getattr(strategy, "reads_rounds", True))


def _alike(one: Strategy, other: Strategy) -> bool:
    """Return whether two new strategies are one to the bit, as far as they can be written down."""
    try:
        states = [state_of(one), state_of(other)]
    except UnsavableError:
        return False
    return states[0].keys() == states[1].keys() and all(
        np.asarray(array).tobytes() == np.asarray(states[1][name]).tobytes() for name, array in states[0].items()
    )
