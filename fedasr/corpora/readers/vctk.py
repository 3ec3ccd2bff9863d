"""VCTK 0.92, from the folder of its archive."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.faults import Entry, Fault
from fedasr.corpora.readers.records import plain_text, read_text
from fedasr.corpora.utterance import Utterance

FOLDER = "VCTK-Corpus-0.92"
MICROPHONES = ("mic1", "mic2")
_AUDIO = "wav48_silence_trimmed"


def read_vctk(path: Path, subset: str | None = None) -> Iterator[Entry]:
    """Return the utterances as one of the two microphones heard them.

    Punctuation is dropped, since nobody speaks it.

    Parameters
    ----------
    path : Path
        ``VCTK-Corpus-0.92``, or the folder that holds it.
    subset : str, optional
        The microphone, ``mic1`` or ``mic2`` (the default).
    """
    microphone = subset or "mic2"
    if microphone not in MICROPHONES:
        raise UserError(f"corpus.subset: VCTK has the microphones mic1 and mic2, not '{microphone}'")
    root = path.absolute() if path.absolute().name == FOLDER else path / FOLDER
    if not (root / "txt").is_dir() or not (root / _AUDIO).is_dir():
        raise UserError(f"{path}: no VCTK here; looked for {root}/txt and {root}/{_AUDIO}")
    people = _people(root / "speaker-info.txt")
    return (
        _entry(root, transcript, microphone, people.get(transcript.parent.name, {}))
        for transcript in sorted((root / "txt").glob("*/[!.]*.txt")) if not _is_known_gap(root, transcript, microphone)
    )  # fmt: skip


def _is_known_gap(root: Path, transcript: Path, microphone: str) -> bool:
    """Return whether the corpus itself says that it lacks this audio: p280 by the second microphone, some of p362."""
    speaker = transcript.parent.name
    absent = not _audio(root, transcript, microphone).is_file()
    return (speaker == "p280" and microphone == "mic2") or (speaker == "p362" and absent)


def _audio(root: Path, transcript: Path, microphone: str) -> Path:
    return root / _AUDIO / transcript.parent.name / f"{transcript.stem}_{microphone}.flac"


def _entry(root: Path, transcript: Path, microphone: str, fields: Mapping[str, str]) -> Entry:
    try:
        text = plain_text(read_text(transcript, "transcript"))
    except UserError as error:
        return Fault(str(transcript), str(error), "unreadable text")
    audio = AudioFile(_audio(root, transcript, microphone))
    return Utterance(transcript.stem, transcript.parent.name, text, math.nan, audio, fields, str(transcript))


def _people(file: Path) -> dict[str, dict[str, str]]:
    """Read age, sex and accent of each speaker from columns ``ID AGE GENDER ACCENTS …``."""
    if not file.is_file():
        return {}
    lines = [line.split() for line in read_text(file, "list of speakers").splitlines()[1:]]
    return {
        f"p{cells[0]}" if cells[0].isdigit() else cells[0]: {
            "age": cells[1], "sex": cells[2].lower(), "accent": cells[3],
        }
        for cells in lines if len(cells) > 3
    }  # fmt: skip
