"""Alignments beside cached features: of each row of features a phone, in 16 bits, in the same order."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fedasr.corpora.alignment import SILENT, Alignment

_FOLDER, _PHONES, _LABELS = "alignments", "phones.json", "labels.bin"


def has_alignments(folder: Path, name: str) -> bool:
    """Say whether a folder of features has the alignments of a name."""
    return (folder / _FOLDER / name / _PHONES).exists()


def write_alignments(folder: Path, name: str, utterances: Iterable[Sequence[str]]) -> None:
    """Write alignments beside the features of a folder; they are there whole or not at all.

    Parameters
    ----------
    folder : Path
    name : str
        What they are called by, for `open_alignments`.
    utterances : iterable of sequences of str
        The phone of each frame of 10 ms, of every utterance in the folder's order.
    """
    place, number = folder / _FOLDER / name, {SILENT: 0}
    place.mkdir(parents=True, exist_ok=True)
    with _appearing(place / _LABELS) as file:
        for labels in utterances:
            file.write(np.array([number.setdefault(label, len(number)) for label in labels], np.uint16).tobytes())
    with _appearing(place / _PHONES) as file:  # it comes last: with it all is there
        file.write(json.dumps(list(number)).encode())


def open_alignments(folder: Path, name: str) -> Alignment:
    """Return the alignments of a name, mapped from disk, of all frames of a folder.

    Raises
    ------
    KeyError
        Where there are none.
    """
    if not has_alignments(folder, name):
        raise KeyError(name)
    place = folder / _FOLDER / name
    phones = json.loads((place / _PHONES).read_text(encoding="utf-8"))
    return Alignment(tuple(map(str, phones)), np.memmap(place / _LABELS, np.uint16, mode="r"))


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name once it is written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
