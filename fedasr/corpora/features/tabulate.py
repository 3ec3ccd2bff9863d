"""The columns of a folder of the cache, made of its index: what all processes read in the place of the index.

The index stays: it is a line of JSON for each utterance, which tells what no column does (audio, fields), and folders
of earlier versions hold nothing else. The columns lie in a folder beside it, which appears whole or not at all.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.files import file_digest, read_object, write_json
from fedasr.corpora.features.columns_on_disk import Column, MappedStrings, StringColumn, mapped_column

INDEX, COLUMNS, DIGESTS = "index.jsonl", "columns", "sha256.json"
NUMBERS = {"frames": np.int32, "first_frame": np.int64, "seconds": np.float64}
"""Columns of numbers: how many 10 ms frames, which is the first of them among all, and seconds."""
AT_ONCE = 4096
Lines = Iterator[dict[str, Any]]


def tabulate(folder: Path) -> None:
    """Write the columns of a folder of the cache, unless they are there."""
    if (folder / COLUMNS).is_dir():
        return
    temporary = Path(tempfile.mkdtemp(prefix=f".{COLUMNS}-", dir=folder))
    try:
        _write(folder / INDEX, temporary)
        digests = {path.name: file_digest(path) for path in sorted(temporary.iterdir())}
        write_json(temporary / DIGESTS, digests)
        # mkdtemp() makes folders that nobody else may read; a cache may be shared.
        temporary.chmod(0o755)
        try:
            os.replace(temporary, folder / COLUMNS)
        except OSError:
            if not (folder / COLUMNS).is_dir():  # another process may have been faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def column_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each column as it was written; empty where an earlier version wrote them.

    Raises
    ------
    OSError, ValueError
        Where that cannot be read.
    """
    path = folder / COLUMNS / DIGESTS
    return read_object(path) if path.exists() else {}


def _write(index: Path, folder: Path) -> None:
    lines, first_copy = _placed(index), list[dict[str, Any]]()
    rows = _write_utterances(_before_copies(lines, first_copy), folder)
    _sort_speakers(folder)
    _write_copies(itertools.chain(first_copy, lines), folder, rows)


def _placed(index: Path) -> Lines:
    """Yield the lines of an index, each with where it ends, in bytes, and where its features begin, in frames."""
    line_ends = first_frame = 0
    with index.open("rb") as stream:
        for line in stream:
            found = json.loads(line)
            line_ends += len(line)
            yield {**found, "line_ends": line_ends, "first_frame": first_frame}
            first_frame += found["frames"]


def _before_copies(lines: Lines, first_copy: list[dict[str, Any]]) -> Lines:
    for line in lines:
        if "sped" in line["audio"]:
            first_copy.append(line)
            return
        yield line


def _write_utterances(lines: Lines, folder: Path) -> int:
    """Write a row for each utterance, and return how many there are; speakers are numbered as they come."""
    rows, speakers = 0, dict[str, int]()
    with ExitStack() as stack:
        numbers = {name: stack.enter_context(Column(folder / f"{name}.npy", kind)) for name, kind in NUMBERS.items()}
        strings = {name: stack.enter_context(StringColumn(folder, name)) for name in ("id", "text")}
        speaking = stack.enter_context(Column(folder / "speaker_number.npy", np.int32))
        ends = stack.enter_context(Column(folder / "line.offsets.npy", np.int64))
        ends.add([0])
        while some := list(itertools.islice(lines, AT_ONCE)):
            for name, column in numbers.items():
                column.add([line[name] for line in some])
            for name, told in strings.items():
                told.add([line[name] for line in some])
            speaking.add([speakers.setdefault(line["speaker"], len(speakers)) for line in some])
            ends.add([line["line_ends"] for line in some])
            rows += len(some)
        names = stack.enter_context(StringColumn(folder, "speaker"))
        names.add(list(speakers))
    return rows


def _sort_speakers(folder: Path) -> None:
    """Number the speakers in the order of their names."""
    known = MappedStrings.opened(folder, "speaker")
    names = [known[place] for place in range(len(known))]
    order = sorted(range(len(names)), key=names.__getitem__)
    places = np.zeros(len(names), np.int32)
    places[order] = np.arange(len(names))
    numbers: NDArray[np.int32] = np.load(folder / "speaker_number.npy", mmap_mode="r+")
    for start in range(0, len(numbers), AT_ONCE):
        numbers[start : start + AT_ONCE] = places[numbers[start : start + AT_ONCE]]
    with StringColumn(folder, "speaker") as sorted_names:
        sorted_names.add([names[place] for place in order])


def _write_copies(lines: Lines, folder: Path, rows: int) -> None:
    """Write a row for each copy at another speed, one speed after the other: whose, and where its features are."""
    ids, found = MappedStrings.opened(folder, "id"), defaultdict[float, list[tuple[int, int, int]]](list)
    row = 0
    for line in lines:
        # Copies come in the order of their utterances, at one speed after another.
        row = next(at % rows for at in range(row, row + rows) if ids[at % rows] == line["id"])
        found[line["audio"]["speed"]].append((row, line["first_frame"], line["frames"]))
    for number, (_, copies) in enumerate(sorted(found.items())):
        np.save(folder / f"copies.{number}.npy", np.array(sorted(copies), np.int64))
    np.save(folder / "speeds.npy", np.array(sorted(found), np.float64))


def copies_at(folder: Path) -> dict[float, NDArray[np.int64]]:
    """Return the copies by speed: utterance, first frame and frames of each, shape (copies, 3), utterances rising."""
    speeds = mapped_column(folder / "speeds.npy").tolist()
    return {speed: mapped_column(folder / f"copies.{number}.npy") for number, speed in enumerate(speeds)}
