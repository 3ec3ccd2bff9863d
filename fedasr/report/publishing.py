"""A folder of what may be published of a run: the page, and of each row its model, ledger and hypotheses."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.common.files import disk_error, write_bytes
from fedasr.report.pages.writing import page
from fedasr.runs.file_names import REPORT
from fedasr.runs.publication.copying import copy_published
from fedasr.runs.publication.standing import published
from fedasr.runs.reading import read_run


def publish(run: Path, folder: Path) -> None:
    """Write what may be published of a run into a new folder, whole or not at all.

    It is made of what is allowed (`fedasr.runs.publication`), never of what is left when something was taken away.

    Parameters
    ----------
    run : Path
        The run folder.
    folder : Path
        Must not be there, or be empty.

    Raises
    ------
    UserError
        Where the first is no run, the second holds something or lies in the first, or the disk does not take it.
    """
    data = read_run(run)
    if folder.resolve().is_relative_to(run.resolve()):
        raise UserError(f"--release {folder}: lies in the run folder, which is private; name a folder outside of it")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"--release {folder}: there is something there already; name a new folder")
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        write_bytes(unfinished / REPORT, page(data, release=True).encode())
        copy_published(run, published(data).rows, unfinished)
        if folder.exists():
            folder.rmdir()
        os.replace(unfinished, folder)
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
