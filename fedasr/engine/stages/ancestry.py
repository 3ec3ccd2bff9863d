"""Ancestry: a row may begin where another row ended, with its model, its silos' states and its debts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fedasr.asr.recogniser import Weights
from fedasr.common.errors import RowError
from fedasr.common.files import Arrays, load_arrays
from fedasr.experiment.row_spec import RowSpec
from fedasr.grid.silo_state import packed, unpacked
from fedasr.messages.coded.residuals import forget_residuals
from fedasr.runs.folder import Run
from fedasr.runs.model_file import load_provenance
from fedasr.runs.provenance import Provenance
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
        return load_arrays(self._path(same_codec))[0]

    def _path(self, same_codec: bool) -> Path:
        self._summaries()
        if not self.folders[-1].model.exists():
            raise RowError(f"the row '{self.names[-1]}' that it begins from leaves its models in the silos")
        return self.folders[-1].last if self.begins_from_last(same_codec) else self.folders[-1].model

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

    def provenance(self, same_codec: bool) -> Provenance:
        """Return what is behind the model to begin from; errors as `weights`."""
        return load_provenance(self._path(same_codec))

    def unprotected(self) -> str | None:
        """Return the first row behind that learnt from silos without a promise, None where there is none.

        Raises
        ------
        RowError
            Where a row before did not finish.
        """
        found = (s.name for s in self._summaries() if s.uplink_bytes and s.epsilon is None and s.epsilon_kind is None)
        return next(found, None)

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
