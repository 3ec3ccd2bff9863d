"""Data sets of Hugging Face's on disk, opened as tables of Arrow's; nothing in them is decoded, and no code is run."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError, nearest
from fedasr.corpora.toolkits.extras import library

_SPLITS, _INFO = "dataset_dict.json", "dataset_info.json"


def split_folder(path: Path, subset: str | None) -> Path:
    """Return the folder of a split, or of the only one that is there.

    Parameters
    ----------
    path : Path
        What ``save_to_disk`` wrote: a data set, or several as splits.
    subset : str, optional
        The name of a split.

    Raises
    ------
    UserError
        If there is no such data set, or not one split of that name.
    """
    if not (path / _SPLITS).is_file():
        if not (path / _INFO).is_file():
            raise UserError(f"{path}: no data set on disk here; looked for {path / _SPLITS}; {_mend(path)}")
        if subset is not None:
            raise UserError(f"corpus.subset: {path} has no splits; remove the key")
        return path
    splits = sorted(found.parent.name for found in path.glob(f"*/{_INFO}"))
    if subset is None and len(splits) != 1:
        raise UserError(f"{path}: several splits; say corpus.subset, one of: {', '.join(splits)}")
    if subset is not None and subset not in splits:
        raise UserError(f"corpus.subset: {path} has no split '{subset}'{nearest(subset, splits)}")
    return path / (subset or splits[0])


def _mend(path: Path) -> str:
    """Return how such a data set is written, of Parquet files where they are there."""
    if path.is_dir() and any(path.rglob("*.parquet")):
        return f"save the Parquet files as one: load_dataset('parquet', data_dir='{path}').save_to_disk('SET')"
    return "write one with save_to_disk()"


def opened(folder: Path) -> Any:
    """Return the data set of a folder.

    Raises
    ------
    UserError
        If it cannot be opened.
    """
    datasets = library("datasets")
    try:
        return datasets.load_from_disk(str(folder))
    except Exception as error:  # of many libraries beneath
        reason = " ".join(f"{error}".split())[:200]
        raise UserError(f"{folder}: not a data set that can be opened ({reason}); save it again") from error


@lru_cache(maxsize=4)
def opened_table(folder: Path) -> Any:
    """Return the table of a data set, mapped from disk; opened once a process."""
    return opened(folder).data
