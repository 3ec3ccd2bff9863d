"""RowFolder: what one row writes, and goes on from."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.common.files import (
    Arrays,
    append_lines,
    load_arrays,
    load_description,
    read_lines,
    save_arrays,
    write_bytes,
    write_json,
    write_lines,
)
from fedasr.common.strict_json import sealed
from fedasr.messages.traffic import Traffic
from fedasr.runs import file_names
from fedasr.runs.aftermath import Aftermath, load_silo
from fedasr.runs.charged_lines import MEND, ChargedLines, LedgerMark
from fedasr.runs.data import HypothesisData, RoundData, SiloScores, SpeakerScore
from fedasr.runs.filling import filled
from fedasr.runs.json_files import known_json
from fedasr.runs.privacy_data import VotesData
from fedasr.runs.release_folder import ReleaseFolder
from fedasr.runs.row_end import RowEnd
from fedasr.runs.row_summary import RowSummary

LEDGER = "ledger"
"""The key of a checkpoint's description under which its ledger's mark stands."""


LOGS = "logs"
"""The key under which stand the marks of the logs that go with it."""


@dataclass(frozen=True)
class RowFolder:
    """The folder of one row.

    Parameters
    ----------
    path : Path
    """

    path: Path

    @property
    def releases(self) -> ReleaseFolder:
        """Where the row's releases are kept."""
        return ReleaseFolder(self.path)

    @property
    def aftermath(self) -> Aftermath:
        """What the release that was made last left behind."""
        return Aftermath(self.path)

    @property
    def model(self) -> Path:
        """Where the row's model lies, if it has one."""
        return self.path / file_names.MODEL

    @property
    def decoder(self) -> Path:
        """Where what decodes the row's model lies, if anything does."""
        return self.path / file_names.DECODER

    @property
    def last(self) -> Path:
        """Where the row's last iterate lies, if it is needed beside `model`."""
        return self.path / file_names.LAST

    def log_round(self, line: RoundData, messages: Sequence[Traffic]) -> None:
        """Append a round and its messages."""
        append_lines(self.path / file_names.METRICS, [asdict(line)])
        append_lines(self.path / file_names.TRAFFIC, [asdict(message) for message in messages])

    def rounds(self) -> list[RoundData]:
        """Return the rounds logged so far."""
        return [filled(RoundData, line) for line in read_lines(self.path / file_names.METRICS)]

    def messages(self) -> list[Traffic]:
        """Return the messages logged so far."""
        return [Traffic(**line) for line in read_lines(self.path / file_names.TRAFFIC)]

    def rewind(self, last_round: int, description: Mapping[str, Any] | None = None) -> None:
        """Forget what was logged after a round: a resumed row logs it again.

        Parameters
        ----------
        last_round : int
        description : mapping, optional
            Of the checkpoint: what was logged when it was saved is kept, and nothing else.
        """
        marks = (description or {}).get(LOGS, {})
        for path in (self.path / file_names.METRICS, self.path / file_names.TRAFFIC):
            if path.name in marks:
                ChargedLines(path).cut(marks[path.name]["lines"])
            elif path.exists() and last_round < 0:
                write_lines(path, [])
            elif path.exists():  # a checkpoint of an earlier version
                write_lines(path, [line for line in read_lines(path) if line["round"] <= last_round])

    def save_checkpoint(
        self, arrays: Arrays, description: Mapping[str, Any], silos: Iterable[tuple[int, Arrays]] = ()
    ) -> None:
        """Replace the checkpoint; its main file is written last, so it is whole or the one before.

        What silos keep between messages lies beside it, one file a silo, in a folder of the round. It is bound to the
        ledger as it is now: see `load_checkpoint`.
        """
        folder = self._silos(description["round"])
        shutil.rmtree(folder, ignore_errors=True)
        numbers = []
        for silo, kept in silos:
            save_arrays(folder / f"{silo}.safetensors", kept, {"silo": silo})
            numbers.append(silo)
        logged = (file_names.METRICS, file_names.TRAFFIC, file_names.UNPAID)
        logs = {name: asdict(ChargedLines(self.path / name).mark()) for name in logged}
        bound = {LEDGER: asdict(self.releases.charged.mark()), LOGS: logs}
        save_arrays(self.path / file_names.CHECKPOINT, arrays, {**description, "silos": numbers, **bound})
        for other in (self.path / file_names.CHECKPOINT).parent.glob("silos-*"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)

    def load_checkpoint(self) -> tuple[Arrays, dict[str, Any]] | None:
        """Return the last checkpoint, None where there is none.

        Raises
        ------
        UserError
            Where the ledger has lost charges since, or is another: the model would promise what it does not keep.
        """
        path = self.path / file_names.CHECKPOINT
        if not path.exists():
            return None
        arrays, description = load_arrays(path)
        self._check_bound(description)
        return arrays, description

    def check_checkpoint(self, is_promised: bool) -> None:
        """Refuse a checkpoint as `load_checkpoint` does, without reading its arrays; one that is not there passes.

        Parameters
        ----------
        is_promised : bool
            Whether the row promises something: the checkpoint of an earlier version, which knew no ledger, is refused.
        """
        path = self.path / file_names.CHECKPOINT
        description = load_description(path) if path.exists() else {LEDGER: None}
        if is_promised and LEDGER not in description:
            raise UserError(f"{path}: an earlier version saved it, without its ledger; {MEND}")
        self._check_bound(description)

    def _check_bound(self, description: Mapping[str, Any]) -> None:
        if mark := description.get(LEDGER):
            self.releases.charged.check(LedgerMark(**mark))
        for name, logged in description.get(LOGS, {}).items():
            if ChargedLines(self.path / name).mark(logged["lines"]) != LedgerMark(**logged):
                raise UserError(f"{self.path / name}: corrupt (not the log that the checkpoint was saved with); {MEND}")

    def cannot_save(self, reason: str) -> None:
        """Write down why there is no checkpoint."""
        write_lines(self.path / file_names.UNSAVED, [sealed({"reason": reason, "begun_anew": False})])

    def begin_anew(self) -> None:
        """Write down that the row is begun anew for want of one."""
        write_lines(self.path / file_names.UNSAVED, [sealed({"reason": self.unsaved(), "begun_anew": True})])

    def unsaved(self) -> str | None:
        """Return why there is no checkpoint; None where there is one, or nothing was to be saved yet."""
        reason = self._unsaved().get("reason")
        return None if reason is None else str(reason)

    def begun_anew(self) -> str | None:
        """Return why the row was begun anew; None where it was not."""
        return self.unsaved() if self._unsaved().get("begun_anew") else None

    def _unsaved(self) -> dict[str, Any]:
        return next(iter(read_lines(self.path / file_names.UNSAVED)), {})

    def forget_checkpoint(self) -> None:
        """Remove the checkpoint."""
        (self.path / file_names.CHECKPOINT).unlink(missing_ok=True)

    def silo_states(self, description: Mapping[str, Any]) -> Iterator[tuple[int, Arrays]]:
        """Yield what the silos of a checkpoint kept."""
        for silo in description.get("silos", []):
            yield silo, load_silo(self._silos(description["round"]) / f"{silo}.safetensors", silo)

    def keep_states(self, silos: Iterable[tuple[int, Arrays]]) -> None:
        """Keep what the silos had kept when the row ended, for a row that begins there."""
        for silo, kept in silos:
            save_arrays(self.path / file_names.KEPT / f"{silo}.safetensors", kept, {"silo": silo})

    def kept_states(self) -> Iterator[tuple[int, Arrays]]:
        """Yield what `keep_states` was given, in the order of the silos."""
        for path in sorted((self.path / file_names.KEPT).glob("*.safetensors"), key=lambda path: int(path.stem)):
            yield int(path.stem), load_silo(path, int(path.stem))

    def write_hypotheses(self, heard: Iterable[HypothesisData]) -> None:
        """Write what was heard in the speech of the test speakers."""
        write_lines(self.path / file_names.HYPOTHESES, [asdict(one) for one in heard])

    def write_silos(self, scores: SiloScores) -> None:
        """Write the errors silo by silo."""
        write_json(self.path / file_names.SILOS, asdict(scores))

    def write_speakers(self, scores: Iterable[SpeakerScore]) -> None:
        """Write the errors on each test speaker."""
        write_json(self.path / file_names.SPEAKERS, [asdict(score) for score in scores])

    def write_votes(self, votes: VotesData, histograms: NDArray[np.int64] | None = None) -> None:
        """Write the simulator's view of a vote; histograms have the shape (votes, classes)."""
        if histograms is not None:
            array = io.BytesIO()
            np.save(array, histograms)
            write_bytes(self.path / file_names.HISTOGRAMS, array.getvalue())
        write_json(self.path / file_names.VOTES, votes.to_json())

    @property
    def end(self) -> RowEnd:
        """How the row ended, and with which files."""
        return RowEnd(self.path)

    def summary(self) -> RowSummary | None:
        """Return the row's line of the summary, None where the row has not ended."""
        return self.end.summary()

    def finished(self) -> RowSummary | None:
        """Return the row's line of the summary, None where it has not finished."""
        summary = self.summary()
        return None if summary is None or summary.failed else summary

    def finish(self, summary: RowSummary) -> None:
        """Record how the row ended; one that finished need not run again."""
        self.end.write(summary)

    def made_of(self) -> dict[str, str] | None:
        """Return what the row is made of, None where it has not begun or an earlier version began it.

        Raises
        ------
        UserError
            Where the file is damaged.
        """
        found = known_json(self.path / file_names.MADE_OF, MEND)
        return None if found is None else dict(found)

    def write_made_of(self, facts: Mapping[str, str]) -> None:
        """Write down what the row is made of."""
        write_json(self.path / file_names.MADE_OF, facts)

    def write_failure(self, traceback: str) -> None:
        """Write where in the code the row failed."""
        write_bytes(self.path / file_names.FAILURE, traceback.encode("utf-8", "backslashreplace"))

    def _silos(self, round: int) -> Path:
        return (self.path / file_names.CHECKPOINT).with_name(f"silos-{round}")
