"""A row whose experiment has more rounds than it was begun with: it stays, goes on, or is removed to begin anew."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from fedasr.runs import file_names
from fedasr.runs.made_of import EXPERIMENT
from fedasr.runs.row_folder import RowFolder

_OF_THE_END = (
    file_names.ROW, file_names.MODEL, file_names.LAST, file_names.DECODER, file_names.HYPOTHESES, file_names.SILOS,
    file_names.SPEAKERS, file_names.FAILURE,
)  # fmt: skip
"""What a row writes when it ends: of a longer one it is another. The mark that it has ended goes first."""


def stay(folder: RowFolder, experiment: str) -> None:
    """Have a row be one of another experiment, as TOML, and otherwise what it is."""
    summary, damaged = folder.summary(), folder.end.damaged()
    folder.write_made_of({**(folder.made_of() or {}), EXPERIMENT: experiment})
    if summary is not None and not damaged:  # what is damaged stays known as that
        folder.finish(summary)


def go_on(folder: RowFolder, experiment: str) -> None:
    """Have a row go on from its checkpoint as one of another experiment, as TOML."""
    for name in _OF_THE_END:
        (folder.path / name).unlink(missing_ok=True)
    shutil.rmtree(folder.path / file_names.KEPT, ignore_errors=True)
    folder.write_made_of({**(folder.made_of() or {}), EXPERIMENT: experiment})


def remove(folder: RowFolder) -> None:
    """Remove a row, at once: it was there or it was not, however the process ends."""
    gone = folder.path.with_name(f".{folder.path.name}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(FileNotFoundError):
        os.replace(folder.path, gone)
    shutil.rmtree(gone, ignore_errors=True)
