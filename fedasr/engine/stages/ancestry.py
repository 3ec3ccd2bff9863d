"""Ancestry: a row may begin where another row ended, with its model, its silos' states and its debts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fedasr.asr.recogniser import Weights
from fedasr.common.errors import RowError
from fedasr.common.files import Arrays, load_arrays
from fedasr.experiment.row_spec import RowSpec
from fedasr.grid.silo_state import packed, unpacked
from fedasr.messages.coded.residuals import forget_residuals
from fedasr.privacy.accounting.promise import Promise, promise_from
from fedasr.protection.releases import Inheritance
from fedasr.runs.folder import Run
from fedasr.runs.row_folder import RowFolder
from fedasr.runs.row_summary import RowSummary
from fedasr.silo.targets import TARGETS


@dataclass(frozen=True)
class Ancestry:
    """The rows behind a row, the one that it begins from last.

    Attributes
    ----------
    folders : tuple of RowFolder
    rows : tuple of RowSpec
    """

    folders: tuple[RowFolder, ...]
    rows: tuple[RowSpec, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rows."""
        return tuple(row.name for row in self.rows)

    def weights(self, same_codec: bool) -> Weights:
        """Return the model to begin from: the scored one, or the last where silos kept what belongs to that.

        Raises
        ------
        RowError
            Where the row before did not finish, or left no single model.
        """
        self._summaries()
        if not self.folders[-1].model.exists():
            raise RowError(f"the row '{self.names[-1]}' that it begins from leaves its models in the silos")
        path = self.folders[-1].last if self.begins_from_last(same_codec) else self.folders[-1].model
        return load_arrays(path)[0]

    def begins_from_last(self, same_codec: bool) -> bool:
        """Return whether silos go on from what they kept at the last iterate, and that was not the scored model."""
        return self.folders[-1].last.exists() and any(unpacked(kept) for _, kept in self.silo_states(same_codec))

    def silo_states(self, same_codec: bool) -> Iterator[tuple[int, Arrays]]:
        """Yield what the silos had kept when the row before ended; residuals are of use to the same codec alone."""
        for silo, kept in self.folders[-1].kept_states():
            state = unpacked(kept)
            if not same_codec:
                forget_residuals(state)
            yield silo, packed(state)

    def inheritance(self) -> Inheritance:
        """Return what the model has spent, and whether any row behind it learnt from silos without a promise.

        Raises
        ------
        RowError
            Where the row before did not finish.
        """
        summaries = self._summaries()
        unprotected = [s.name for s in summaries if s.uplink_bytes and s.epsilon is None and s.epsilon_kind is None]
        return Inheritance(
            tuple(self.folders[-1].releases.ledger()), unprotected[0] if unprotected else None, self._promise()
        )

    def _promise(self) -> Promise | None:
        """Return what the nearest row behind promised, in which all before it is."""
        told = (folder.releases.summary().get("promise") for folder in reversed(self.folders))
        return next((promise_from(fields) for fields in told if fields), None)

    def private_speech(self) -> bool | None:
        """Return whether private speech had a part in the model that no row's promise covers; None: nobody can tell."""
        ended = (folder.summary() for folder in self.folders)
        told = [None if row is None else row.private_speech and not row.promises for row in ended]
        return True if True in told else None if None in told else False

    def _summaries(self) -> list[RowSummary]:
        found = [folder.finished() for folder in self.folders]
        for name, summary in zip(self.names, found, strict=True):
            if summary is None:
                raise RowError(f"the row '{name}' that it begins from did not finish")
        return [summary for summary in found if summary is not None]


def ancestry_of(run: Run, row: RowSpec, seed: int) -> Ancestry | None:
    """Return the rows behind a row of a seed, None where it begins from the experiment's start."""
    rows = run.experiment.behind(row)
    return Ancestry(tuple(run.row(other, seed) for other in rows), rows) if rows else None


def handed_on(states: Iterable[tuple[int, Mapping[str, NDArray[Any]]]]) -> Iterator[tuple[int, Arrays]]:
    """Yield what silos kept that a row which begins here needs, of the silos that kept any.

    What a teacher said is not: it belongs to no model, and a row whose objective asks for a teacher sends its own.
    """
    for silo, kept in states:
        state = unpacked(kept)
        if TARGETS in state:
            del state[TARGETS]
        if state:
            yield silo, packed(state)
