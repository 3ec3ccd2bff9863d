"""Google's Speech Commands, from the folders of its archive."""

from __future__ import annotations

import math
import posixpath
import sys
from collections.abc import Iterator
from pathlib import Path

from fedasr.common.errors import UserError, nearest
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.faults import Entry, Fault
from fedasr.corpora.readers.lines import numbered_lines
from fedasr.corpora.readers.records import normal_text
from fedasr.corpora.utterance import Utterance

_LISTS = {"validation": "validation_list.txt", "testing": "testing_list.txt"}
SUBSETS = ("training", *_LISTS)
_INSIDE = (
    "SpeechCommands/speech_commands_v0.02", "speech_commands_v0.02",
    "SpeechCommands/speech_commands_v0.01", "speech_commands_v0.01", ".",
)  # fmt: skip
_DIVIDER = "_nohash_"
_CLIPS = f"*/[!.]*{_DIVIDER}*.wav"  # what begins with a point is a Mac's, and no speech
_NO_WORD = "_background_noise_"


def read_speech_commands(path: Path, subset: str | None = None) -> Iterator[Entry]:
    """Return the utterances, one word each, of one subset or of all, and what is wrong with them.

    Parameters
    ----------
    path : Path
        The folder with one folder a word, or one that holds ``speech_commands_v0.02``.
    subset : str, optional
        ``training``, ``validation`` or ``testing``, as the corpus' own lists say, or the name of such a list.

    Raises
    ------
    UserError
        Where there is no such corpus or subset.
    """
    subset = {file: name for name, file in _LISTS.items()}.get(subset or "", subset)
    if subset is not None and subset not in SUBSETS:
        raise UserError(f"corpus.subset: Speech Commands has no subset '{subset}'{nearest(subset, SUBSETS)}")
    root = next((path / inside for inside in _INSIDE if any((path / inside).glob(_CLIPS))), None)
    if root is None:
        raise UserError(
            f"{path}: no Speech Commands here; looked for speech_commands_v0.02/WORD/SPEAKER_nohash_N.wav "
            '(for a folder with a manifest.jsonl say kind = "manifest")'
        )
    root = root.absolute()
    if subset in _LISTS:
        return (_entry(root, name, where) for where, name in _listed(root, _LISTS[subset]))
    held_out = {name for file in _LISTS.values() for _, name in _listed(root, file)} if subset else set()
    return (_entry(root, name, str(root / name)) for name in _clips(root) if name not in held_out)


def _clips(root: Path) -> list[str]:
    """Return ``word/file`` of each clip, in the order of the texts."""
    clips = (f"{path.parent.name}/{path.name}" for path in root.glob(_CLIPS))
    return sorted(clip for clip in clips if not clip.startswith(_NO_WORD))


def _listed(root: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield ``file:line`` and ``word/file`` of each clip of a list."""
    if not (root / name).is_file():
        raise UserError(f"{root / name}: no such list of clips; unpack the archive again")
    for number, line in numbered_lines(root / name, "list of clips"):
        if line.strip():
            yield f"{root / name}:{number}", posixpath.normpath(line.strip())


def _entry(root: Path, name: str, where: str) -> Entry:
    word, _, file = name.partition("/")
    speaker, divider, _ = file.partition(_DIVIDER)
    if not divider:
        return Fault(where, f"'{name}' is no clip of Speech Commands (WORD/SPEAKER_nohash_N.wav); remove it", "names")
    audio = AudioFile(root / word / file)
    return Utterance(f"{word}/{file}", sys.intern(speaker), normal_text(word), math.nan, audio, where=where)
