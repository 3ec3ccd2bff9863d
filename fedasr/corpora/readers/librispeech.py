"""LibriSpeech and what is laid out like it: Mini LibriSpeech, Multilingual LibriSpeech."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fedasr.common.errors import UserError, nearest
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.faults import Entry, Fault
from fedasr.corpora.readers.lines import numbered_lines
from fedasr.corpora.readers.records import normal_text
from fedasr.corpora.utterance import Utterance

_ALL_IN_ONE = "transcripts.txt"
_OF_CHAPTERS = "*/*/[!.]*.trans.txt"  # what begins with a point is a Mac's, and no speech
_LISTS = ("SPEAKERS.TXT", "metainfo.txt")
_ENDINGS = (".flac", ".wav", ".ogg", ".opus", ".mp3", ".sph", ".aiff", ".au")

Fields = Mapping[str, str]


def read_librispeech(path: Path, subset: str | None = None) -> Iterator[Entry]:
    """Yield the utterances of one subset, or of all that are there, and what is wrong with them.

    A subset is a folder of ``SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt`` beside the audio, or of one
    ``transcripts.txt`` and ``audio/SPEAKER/CHAPTER``, as in the multilingual one.

    Parameters
    ----------
    path : Path
        ``LibriSpeech``, or the folder that holds it, or one subset.
    subset : str, optional
        Such as ``train-clean-100`` or ``dev-clean-2``.

    Raises
    ------
    UserError
        Where there is no such subset.
    """
    root = path / "LibriSpeech" if (path / "LibriSpeech").is_dir() else path
    there = _subsets(root)
    if not there:
        raise UserError(f"{path}: no LibriSpeech here; looked in {root} for SUBSET/SPEAKER/CHAPTER/*.trans.txt")
    if subset is not None and subset not in there:
        raise UserError(f"corpus.subset: {root} has no subset '{subset}'{nearest(subset, there)}")
    sexes = {speaker: sex for name in _LISTS for speaker, sex in _sexes(root / name).items()}
    for name, folder in there.items():
        if subset in (None, name):
            yield from _read_subset(folder, sexes)


def _subsets(root: Path) -> dict[str, Path]:
    folders = sorted(folder for folder in root.iterdir() if folder.is_dir()) if root.is_dir() else []
    found = {folder.name: folder for folder in folders if _is_subset(folder)}
    return found or ({root.absolute().name: root} if _is_subset(root) else {})


def _is_subset(folder: Path) -> bool:
    return (folder / _ALL_IN_ONE).is_file() or any(folder.glob(_OF_CHAPTERS))


def _read_subset(subset: Path, sexes: Mapping[str, str]) -> list[Entry]:
    """Return what a subset holds, in the order of the utterances' names."""
    in_one = (subset / _ALL_IN_ONE).is_file()
    audio = _audio(subset / "audio" if in_one else subset)
    fields = {folder: _fields(subset, folder, sexes) for folder in {path.parent for path in audio.values()}}
    files = [subset / _ALL_IN_ONE] if in_one else sorted(subset.glob(_OF_CHAPTERS))
    found = [(name, _entry(where, name, text, audio, fields)) for where, name, text in _transcripts(files)]
    for name in audio.keys() - {name for name, _ in found}:
        told = f"no transcript of '{name}'; write it or remove the file"
        found.append((name, Fault(str(audio[name]), told, "without text")))
    return [entry for _, entry in sorted(found, key=lambda named: named[0])]


def _entry(where: str, name: str, text: str, audio: Mapping[str, Path], fields: Mapping[Path, Fields]) -> Entry:
    path = audio.get(name)
    if path is None:
        told = f"no audio of '{name}' ({', '.join(_ENDINGS)}); remove the line, or unpack the archive again"
        return Fault(where, told, "without audio")
    speaker = path.parent.parent.name
    return Utterance(name, speaker, normal_text(text), math.nan, AudioFile(path), fields[path.parent], where)


def _audio(folder: Path) -> dict[str, Path]:
    """Return the audio by its names without ending; where there are several, the first of the endings counts."""
    files = [path for path in folder.glob("*/*/[!.]*") if path.suffix.lower() in _ENDINGS]
    files.sort(key=lambda path: -_ENDINGS.index(path.suffix.lower()))
    return {path.stem: path for path in files}


def _transcripts(files: Iterable[Path]) -> Iterator[tuple[str, str, str]]:
    """Yield ``file:line``, name and text of each line."""
    for file in files:
        for number, line in numbered_lines(file, "transcripts"):
            if words := line.split(maxsplit=1):
                yield f"{file}:{number}", words[0], "".join(words[1:])


def _fields(subset: Path, folder: Path, sexes: Mapping[str, str]) -> Fields:
    fields = {"subset": subset.name, "chapter": folder.name}
    sex = sexes.get(folder.parent.name)
    return fields | ({"sex": sex} if sex else {})


def _sexes(file: Path) -> dict[str, str]:
    """Read ``id | sex | …`` lines; comments start with a semicolon."""
    if not file.is_file():
        return {}
    lines = [line.split("|") for _, line in numbered_lines(file, "list of speakers") if line[:1] != ";"]
    return {cells[0].strip(): cells[1].strip().lower() for cells in lines if len(cells) > 1}
