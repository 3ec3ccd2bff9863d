"""The files of a run folder as they lie there: read once, believed in nothing."""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fedasr.verification.speaker_counts import GREEDY, KEYS, NEW, Recounted, plain, recounted
from fedasr.verification.tensors import Tensors, read_tensors

Record = Mapping[str, Any]
Content = TypeVar("Content")
Counts = Mapping[str, tuple[int, int]]
"""Errors and words of each speaker."""

SUMMARY, EXPERIMENT, PARTITION, REPORT = "summary.json", "experiment.toml", "partition.json", "report.html"
DRAWS = "draw-*"


class UnreadableError(Exception):
    """A file of the run is not there, or not of its form."""

    def __init__(self, file: str, reason: str) -> None:
        self.file, self.reason = file, reason
        super().__init__(f"{file}: {reason}")


@dataclass(frozen=True)
class Folder:
    """A folder inside a run.

    Parameters
    ----------
    root : Path
        The run folder.
    place : str
        Where the folder lies in it; empty for the run folder itself.
    """

    root: Path
    place: str = ""

    def path(self, name: str = "") -> Path:
        """Return where a file lies."""
        return self.root / self.place / name

    def name(self, name: str) -> str:
        """Return a file's name relative to the run folder."""
        return f"{self.place}/{name}" if self.place else name

    def has(self, name: str) -> bool:
        """Return whether a file is there."""
        return self.path(name).is_file()

    def json(self, name: str) -> Any:
        """Return the content of a JSON file."""
        return self._read(name, lambda path: json.loads(path.read_text("utf-8")))

    def toml(self, name: str) -> dict[str, Any]:
        """Return the content of a TOML file."""
        return self._read(name, lambda path: tomllib.loads(path.read_text("utf-8")))

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return JSON lines, every one of them whole; nothing where there is no file."""
        return self._read(name, lambda path: list(_lines(path.read_text("utf-8")))) if self.has(name) else []

    def text(self, name: str) -> str:
        """Return a text."""
        return self._read(name, lambda path: path.read_text("utf-8"))

    def tensors(self, name: str) -> Tensors:
        """Return what a safetensors file holds."""
        return self._read(name, read_tensors)

    def names(self, pattern: str) -> list[str]:
        """Return the files of a pattern, sorted, named as the other methods take them."""
        here = self.path()
        return sorted(path.relative_to(here).as_posix() for path in here.glob(pattern) if path.is_file())

    def _read(self, name: str, read: Callable[[Path], Content]) -> Content:
        try:
            return read(self.path(name))
        except FileNotFoundError:
            raise UnreadableError(self.name(name), "not there") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnreadableError(self.name(name), f"cannot be read ({type(error).__name__})") from error


@dataclass(frozen=True)
class Row:
    """One row of a run.

    Parameters
    ----------
    record : mapping
        Its line of ``summary.json``.
    folder : Folder
    """

    record: Record
    folder: Folder

    @property
    def has_finished(self) -> bool:
        """Whether it says so."""
        return self.record.get("status") == "finished"

    @functools.cached_property
    def traffic(self) -> list[dict[str, Any]]:
        """Every message that it says travelled."""
        return self.folder.lines("traffic.jsonl")

    @functools.cached_property
    def heard(self) -> list[dict[str, Any]]:
        """What was heard of the test speakers."""
        return self.folder.lines("hypotheses.jsonl")

    @functools.cached_property
    def recounts(self) -> dict[str, dict[str, Recounted]]:
        """The errors of each test speaker as the hypotheses give them, by how these were decoded."""
        return {decoding: recounted(self.heard, key) for decoding, key in KEYS.items()}

    @functools.cached_property
    def scores(self) -> list[dict[str, Any]]:
        """Its lines of ``speakers.json``."""
        return list(self.folder.json("speakers.json")) if self.folder.has("speakers.json") else []

    def written_counts(self, of: str, decoding: str) -> dict[str, tuple[int, int]]:
        """Return errors and words of each speaker as ``speakers.json`` has them."""
        chosen = (one for one in self.scores if (one.get("of", NEW), one.get("decoding", GREEDY)) == (of, decoding))
        return {one["speaker"]: (int(one["errors"]), int(one["words"])) for one in chosen}

    def counts(self, of: str, decoding: str) -> Counts:
        """Return errors and words by speaker from the hypotheses where there are any, else as they were written."""
        found = self.recounts[decoding] if of == NEW else {}
        return plain(found) if found else self.written_counts(of, decoding)

    @functools.cached_property
    def ledger(self) -> list[dict[str, Any]]:
        """What it says was charged."""
        return self.folder.lines("releases/ledger.jsonl")

    @functools.cached_property
    def behind(self) -> list[dict[str, Any]]:
        """The lines of the ledger of what it begins from, a row or the start of its seed, where it took them over."""
        if not (self.privacy or {}).get("inherited"):
            return []
        if self.record.get("lineage"):
            own, nearest = self.folder.place, self.record["lineage"][-1]
            before, _, after = own.rpartition(self.record["name"])
            folder, model = Folder(self.folder.root, f"{before}{nearest}{after}"), "model.safetensors"
        else:
            parent = self.folder.place.rpartition("/")[0]
            folder, model = Folder(self.folder.root, parent), f"start/seed-{self.record['seed']}.safetensors"
        past = folder.tensors(model).description.get("provenance") if folder.has(model) else None
        return list(past["ledger"]) if past else []

    @functools.cached_property
    def privacy(self) -> dict[str, Any] | None:
        """What it promises; None where it promises nothing."""
        return dict(self.folder.json("privacy.json")) if self.folder.has("privacy.json") else None


@dataclass(frozen=True)
class RunEvidence:
    """A run folder, or that of one draw inside it.

    Parameters
    ----------
    folder : Folder
    """

    folder: Folder

    @functools.cached_property
    def summary(self) -> dict[str, Any]:
        """What the run says of its rows."""
        return dict(self.folder.json(SUMMARY))

    @functools.cached_property
    def experiment(self) -> dict[str, Any]:
        """What was asked for."""
        return self.folder.toml(EXPERIMENT)

    @functools.cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the summary."""
        root, place = self.folder.root, self.folder.place
        return tuple(
            Row(record, Folder(root, f"{place}/{record['folder']}" if place else str(record["folder"])))
            for record in self.summary["rows"]
        )

    def draws(self) -> list[RunEvidence]:
        """Return the draws of a run, each a run of its own."""
        places = sorted(path.name for path in self.folder.path().glob(DRAWS) if (path / EXPERIMENT).is_file())
        return [RunEvidence(Folder(self.folder.root, place)) for place in places]


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        record = json.loads(line)
        if not isinstance(record, dict):
            raise TypeError("not an object")
        yield record
