"""A reader of one's own: Kaldi's data folders, of ``wav.scp``, ``text`` and ``utt2spk``.

``corpus.kind = "reader:read_kaldi"`` finds it on the path. In a package it has a name, by its ``pyproject.toml``::

    [project.entry-points."fedasr.readers"]
    kaldi = "reader:read_kaldi"
"""

from __future__ import annotations

import math
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.readers.records import normal_text, read_text
from fedasr.corpora.utterance import Utterance


def read_kaldi(path: Path, subset: str | None = None) -> list[Utterance]:
    """Return the utterances of a data folder.

    Parameters
    ----------
    path : Path
        The data folder, or the folder that holds several.
    subset : str, optional
        Which of several, such as ``"train"``.

    Raises
    ------
    UserError
        Where a file is absent, or an utterance has no line in one of them.
    """
    folder = path / (subset or "")
    audio, texts, speakers = (table(folder / name) for name in ("wav.scp", "text", "utt2spk"))
    for file, lines in (("text", texts), ("utt2spk", speakers)):
        if missing := sorted(audio.keys() - lines.keys()):
            raise UserError(f"{folder / file}: no line of '{missing[0]}', which wav.scp has; add it")
    return [utterance(name, place(folder, audio[name]), texts[name], speakers[name]) for name in sorted(audio)]


def table(file: Path) -> dict[str, str]:
    """Return the lines of a file by their first word."""
    words = (line.split(maxsplit=1) for line in read_text(file, "table of Kaldi").splitlines() if line.strip())
    return {name: rest[0] if rest else "" for name, *rest in words}


def place(folder: Path, entry: str) -> Path:
    """Return where the audio lies."""
    if entry.rstrip().endswith("|"):
        raise UserError(f"{folder / 'wav.scp'}: '{entry}' is a command; write the audio to files first")
    return folder / entry.strip()


def utterance(name: str, audio: Path, text: str, speaker: str) -> Utterance:
    """Return one utterance; how long it is only the audio's header says, which is opened later."""
    return Utterance(name, speaker.strip(), normal_text(text), math.nan, AudioFile(audio))
