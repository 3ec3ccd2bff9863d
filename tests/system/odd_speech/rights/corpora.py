"""A corpus is read, with exactly these utterances, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fedasr.common.errors import UserError
from fedasr.corpora import load
from fedasr.corpora.load import load_corpus
from fedasr.corpora.utterance import Utterance
from system.odd_speech.rights.refusals import Names, assert_names, refused


@dataclass(frozen=True)
class Reads:
    """All that is given is right, in the order of the corpus' ids where `by_id`, else in that of its lines.

    Parameters
    ----------
    texts, speakers, ids : tuple of str
    seconds : tuple of float
        Within a sample.
    fields : mapping
        What every utterance has.
    or_refused : tuple of str
        A refusal that names all this is as good.
    leave_out : bool
        Leave out what is at fault.
    left_out : int
        How many are.
    """

    texts: Sequence[str] | None = None
    speakers: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    seconds: Sequence[float] | None = None
    fields: dict[str, str] = field(default_factory=dict)
    or_refused: Names = ()
    kind: str = "manifest"
    path: str = "."
    subset: str | None = None
    leave_out: bool = False
    left_out: int = 0

    def check(self, folder: Path) -> None:
        if self.or_refused:
            try:
                found = self._read(folder)
            except UserError:
                assert_names(refused(lambda: self._read(folder)), [self.or_refused])
                return
        else:
            found = self._read(folder)
        self._compare(found)

    def _read(self, folder: Path) -> Sequence[Utterance]:
        if not self.leave_out:
            return load_corpus(self.kind, folder / self.path, subset=self.subset)
        loaded = load.read_corpus(self.kind, folder / self.path, subset=self.subset, faulty="leave out")
        assert len(loaded.summary.left_out) == self.left_out
        return loaded.utterances

    def _compare(self, found: Sequence[Utterance]) -> None:
        for name in ("text", "speaker", "id"):
            expected = getattr(self, f"{name}s")
            if expected is not None:
                assert [getattr(u, name) for u in found] == list(expected)
        if self.seconds is not None:
            assert [u.duration_seconds for u in found] == pytest.approx(list(self.seconds), abs=1 / 8000)
        for utterance in found:
            assert dict(utterance.fields).items() >= self.fields.items()
            assert "\n" not in utterance.text
            assert utterance.duration_seconds > 0


@dataclass(frozen=True)
class Refuses:
    """All faults are told at once, each by its names in one line.

    Parameters
    ----------
    faults : tuple of tuple of str
    counted : int
        How many there are in all, where more than twenty.
    """

    faults: tuple[Names, ...]
    counted: int = 0
    kind: str = "manifest"
    path: str = "."
    subset: str | None = None
    leave_out: bool = False

    def check(self, folder: Path) -> None:
        def read() -> object:
            if self.leave_out:
                return load.read_corpus(self.kind, folder / self.path, subset=self.subset, faulty="leave out")
            return load_corpus(self.kind, folder / self.path, subset=self.subset)

        error = refused(read)
        assert_names(error, self.faults)
        if self.counted:
            assert str(self.counted) in str(error)


def refuses(*names: str, **others: Any) -> Refuses:
    """Return a refusal of one fault."""
    return Refuses((names,), **others)
