"""A reader of one's own: folders like TIMIT's, one a speaker, with a text file beside each recording.

Beside ``TRAIN/DR1/FCJF0/SA1.WAV`` stands ``SA1.TXT``: first sample, last sample and what is said. Letters may be small.
``corpus.kind = "reader:read_timit"`` finds it on the path. In a package it has a name, by its ``pyproject.toml``::

    [project.entry-points."fedasr.readers"]
    timit = "reader:read_timit"
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.faults import Fault
from fedasr.corpora.readers.lines import read_text
from fedasr.corpora.readers.records import plain_text
from fedasr.corpora.utterance import Utterance


def read_timit(path: Path, subset: str | None = None) -> Iterator[Utterance | Fault]:
    """Yield the utterances; no audio is opened here: all that is read is checked later, in one place.

    Parameters
    ----------
    path : Path
        The folder that holds ``TRAIN`` and ``TEST``.
    subset : str, optional
        Which of the two.

    Raises
    ------
    UserError
        Where there is no such text file.
    """
    texts = sorted(file for file in path.glob(f"{subset or '*'}/*/*/*") if file.suffix.lower() == ".txt")
    if not texts:
        raise UserError(f"{path}: no TIMIT here; looked for {path / (subset or 'TRAIN')}/REGION/SPEAKER/*.TXT")
    yield from map(utterance, texts)


def utterance(file: Path) -> Utterance | Fault:
    """Return the utterance of a text file, or why there is none."""
    words = read_text(file, "transcript").split(maxsplit=2)
    if len(words) != 3:
        return Fault(
            str(file), "not 'FIRST LAST words'; write the first and last sample and what is said", "transcript"
        )
    audio = next((file.with_suffix(ending) for ending in (".WAV", ".wav") if file.with_suffix(ending).exists()), None)
    if audio is None:
        return Fault(str(file), "no recording of this name beside it; add it or remove the text", "no audio")
    speaker, region = file.parent.name, file.parent.parent.name
    fields = {"sex": speaker[0].lower(), "region": region}
    return Utterance(
        f"{speaker}-{file.stem}", speaker, plain_text(words[2]), math.nan, AudioFile(audio), fields, where=str(file)
    )
