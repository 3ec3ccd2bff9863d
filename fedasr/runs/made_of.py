"""What a row is made of, and whether it still is: its experiment, its speech and its start."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import replace

from fedasr.common.errors import UserError
from fedasr.experiment.differences import difference
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.round_counts import stated
from fedasr.experiment.row_spec import RowSpec
from fedasr.runs.row_folder import RowFolder

EXPERIMENT, CORPUS, START = "experiment", "corpus", "start"
"""The facts: an experiment of this row alone as TOML, and two digests."""
SEAL = "# sha256 of what stands above, as the run began: "


def with_seal(text: str) -> str:
    """Return a text with a last line by which an edited one is known."""
    return f"{text}{SEAL}{_digest(text)}\n"


def is_sealed(text: str) -> bool:
    """Return whether a text is as it was sealed; one that never was, as earlier versions wrote it, passes."""
    above, seal, written = text.rpartition(SEAL)
    if not seal:
        return "# sha256" not in text
    return written == f"{_digest(above)}\n"


def one_row(experiment: Experiment, row: RowSpec, seed: int) -> Experiment:
    """Return an experiment of one row and those behind it; where its speech lies is no part of it."""
    corpus = replace(experiment.corpus, path="")
    return experiment.only(compare=(*experiment.behind(row), row), seed=seed, seeds=(), draws=(), corpus=corpus)


def facts_of(experiment: Experiment, row: RowSpec, seed: int, corpus: str, start: str) -> dict[str, str]:
    """Return what a row is made of.

    Parameters
    ----------
    experiment : Experiment
    row : RowSpec
    seed : int
    corpus, start : str
        The digests of the prepared speech and of the weights of the start.
    """
    return {EXPERIMENT: one_row(experiment, row, seed).to_toml(), CORPUS: corpus, START: start}


def experiment_of(facts: Mapping[str, str]) -> Experiment:
    """Return the experiment that a row was begun with."""
    return Experiment.from_table(tomllib.loads(facts[EXPERIMENT]))


def check_made_of(folder: RowFolder, facts: Mapping[str, str]) -> None:
    """Refuse to go on with a row, or to take it for finished, that was made of other things.

    Raises
    ------
    UserError
        Naming what differs.
    """
    known = folder.made_of()
    if known is None:
        return
    there, here = experiment_of(known), experiment_of(facts)
    differs = difference(there, here) if stated(there) != stated(here) else ""
    for key, told in ((CORPUS, "the prepared speech is another"), (START, "the start is another")):
        differs = differs or (told if known[key] != facts[key] else "")
    if differs:
        raise UserError(
            f"{folder.path}: the row was begun with something else ({differs}); put that back, or remove the folder to "
            "run the row again"
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
