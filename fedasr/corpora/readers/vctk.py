"""VCTK 0.92, from the folder of its archive."""

from __future__ import annotations

from pathlib import Path

from torchaudio.datasets import VCTK_092

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, inspect
from fedasr.corpora.readers.records import plain_text, read_text
from fedasr.corpora.utterance import Utterance

FOLDER = "VCTK-Corpus-0.92"
MICROPHONES = ("mic1", "mic2")
_AUDIO = "wav48_silence_trimmed"


def read_vctk(path: Path, subset: str | None = None) -> tuple[Utterance, ...]:
    """Return the utterances as one of the two microphones heard them; nothing is downloaded.

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
    try:
        dataset = VCTK_092(str(root.parent), mic_id=microphone)
    except OSError as error:
        raise UserError(f"{root}: not the layout of VCTK 0.92 ({error}); unpack the archive again") from error
    people = _people(root / "speaker-info.txt")
    # This data set has no get_metadata(), and its items are decoded audio.
    return tuple(
        _utterance(root, speaker, number, microphone, people.get(speaker, {}))
        for speaker, number in dataset._sample_ids
    )


def _utterance(root: Path, speaker: str, number: str, microphone: str, fields: dict[str, str]) -> Utterance:
    name = f"{speaker}_{number}"
    transcript = root / "txt" / speaker / f"{name}.txt"
    text = plain_text(read_text(transcript, "transcript"))
    if not text:
        raise UserError(f"{transcript}: empty transcript; remove the file")
    audio = root / _AUDIO / speaker / f"{name}_{microphone}.flac"
    return Utterance(name, speaker, text, inspect(audio).seconds, AudioFile(audio), fields)


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
