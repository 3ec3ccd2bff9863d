"""Prepared speech, mapped from disk: no process holds an object for each utterance."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.alignment import Alignment
from fedasr.corpora.features.alignments import open_alignments
from fedasr.corpora.features.building import FEATURES, explained, is_complete, read_meta
from fedasr.corpora.features.columns_on_disk import MappedStrings, mapped_bytes, mapped_column
from fedasr.corpora.features.sources import restore
from fedasr.corpora.features.tabulate import COLUMNS, INDEX, copies_at, tabulate
from fedasr.corpora.utterance import Utterance


class MappedStore:
    """Utterances and features of one folder of the cache, read-only; crosses to another process as a path.

    Audio files are where they were when the features were computed; synthetic speech is rendered again; other audio
    raises `UserError` when it is read.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    UserError
        Where the folder is not complete.
    """

    def __init__(self, folder: Path) -> None:
        if not is_complete(folder):
            raise UserError(f"{folder}: not a complete folder of cached features; prepare the corpus again")
        with explained(folder.parent.parent, lambda: "the columns of an index do not fit"):
            tabulate(folder)  # folders of earlier versions have no columns
        self.folder, columns = folder, folder / COLUMNS
        self.frames, self.seconds = mapped_column(columns / "frames.npy"), mapped_column(columns / "seconds.npy")
        self.speakers = MappedStrings.opened(columns, "speaker")
        self.speaker_numbers = mapped_column(columns / "speaker_number.npy")
        self._ids, self._texts = (MappedStrings.opened(columns, name) for name in ("id", "text"))
        self._lines = MappedStrings(mapped_column(columns / "line.offsets.npy"), mapped_bytes(folder / INDEX))
        self._first_frames, self._copies = mapped_column(columns / "first_frame.npy"), copies_at(columns)
        self._alignments: dict[str, Alignment] = {}
        self._features = mapped_bytes(folder / FEATURES).view(np.float16).reshape(-1, max(read_meta(folder)["mels"], 1))

    def __reduce__(self) -> tuple[Any, ...]:
        return opened_store, (self.folder,)

    def id(self, row: int) -> str:
        """Return the name of an utterance."""
        return self._ids[row]

    def text(self, row: int) -> str:
        """Return the transcript of an utterance."""
        return self._texts[row]

    def utterance(self, row: int) -> Utterance:
        """Return what the index tells of an utterance."""
        told = json.loads(self._lines[row])
        return Utterance(
            told["id"], told["speaker"], told["text"], told["seconds"], restore(told["audio"]), told["fields"]
        )

    def features(self, row: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return the features of an utterance, or of its copy at another speed."""
        first, frames = self._first_frames[row], self.frames[row]
        if speed != 1:
            copies = self._copies[speed]
            place = int(np.searchsorted(copies[:, 0], row))
            if place == len(copies) or copies[place, 0] != row:
                raise KeyError(self.id(row), speed)
            _, first, frames = copies[place]
        return self._features[first : first + frames]

    def alignment(self, row: int, name: str) -> Alignment:
        """Return the phones of an utterance, frame by frame, of the alignments of a name; KeyError without them."""
        if name not in self._alignments:
            self._alignments[name] = open_alignments(self.folder, name)
        first = int(self._first_frames[row])
        return self._alignments[name].part(first, first + int(self.frames[row]))


@lru_cache(maxsize=2)
def opened_store(folder: Path) -> MappedStore:
    """Return the store of a folder of the cache; opened once a process."""
    return MappedStore(folder)
