"""Where the audio of a toolkit's entries lies, and which part of it."""

from __future__ import annotations

import math
import os
from pathlib import Path

from fedasr.corpora.audio import AudioFile

# Toolkits round times; a part that is so near to the whole file is the whole file.
_ROUNDING_SECONDS = 1e-4


def found_from(folder: Path, name: str) -> Path:
    """Return where an audio file lies.

    Toolkits write paths relative to the folder in which they were run, which is often some levels above the folder
    of the lists.

    Parameters
    ----------
    folder : Path
        The folder of the list that names the file.
    name : str
        An absolute path, or one that is relative to `folder`, to the nearest folder above it where there is such a
        file, or to where one stands.
    """
    beside = folder / name
    # os.path: pathlib raises where a name is longer than the system allows.
    if Path(name).is_absolute() or os.path.exists(beside):
        return beside
    places = (*folder.absolute().parents, Path.cwd())
    return next((place / name for place in places if os.path.exists(place / name)), beside)


def part_of(
    path: Path, start_seconds: float, length_seconds: float, whole_seconds: float, channel: int | None = None
) -> AudioFile:
    """Return a part of a file, or the file where the part is all of it.

    Parameters
    ----------
    path : Path
    start_seconds, length_seconds : float
        A length of NaN is all that follows.
    whole_seconds : float
        How long the toolkit says the file is, or NaN.
    channel : int, optional
        Which one, from 0; by default all, mixed down.
    """
    is_all = start_seconds == 0 and abs(length_seconds - whole_seconds) < _ROUNDING_SECONDS
    length = None if is_all or math.isnan(length_seconds) else length_seconds
    return AudioFile(path, start_seconds, length, channel)


def sex_of(gender: object) -> dict[str, str]:
    """Return the field ``sex`` (``f`` or ``m``) for what a toolkit calls a gender, or no field."""
    sex = gender.strip().lower()[:1] if isinstance(gender, str) else ""
    return {"sex": sex} if sex in ("f", "m") else {}
