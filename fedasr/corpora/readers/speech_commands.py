"""Google's Speech Commands, from the folders of its archive."""

from __future__ import annotations

from pathlib import Path

from torchaudio.datasets import SPEECHCOMMANDS

from fedasr.common.errors import UserError, nearest
from fedasr.corpora.audio import AudioFile, inspect
from fedasr.corpora.readers.records import normal_text
from fedasr.corpora.utterance import Utterance

SUBSETS = ("training", "validation", "testing")
_INSIDE = (
    "SpeechCommands/speech_commands_v0.02", "speech_commands_v0.02",
    "SpeechCommands/speech_commands_v0.01", "speech_commands_v0.01", ".",
)  # fmt: skip


def read_speech_commands(path: Path, subset: str | None = None) -> tuple[Utterance, ...]:
    """Return the utterances, one word each, of one subset or of all; nothing is downloaded.

    Parameters
    ----------
    path : Path
        The folder with one folder a word, or one that holds ``speech_commands_v0.02``.
    subset : str, optional
        ``training``, ``validation`` or ``testing``, as the corpus' own lists say.
    """
    if subset is not None and subset not in SUBSETS:
        raise UserError(f"corpus.subset: Speech Commands has no subset '{subset}'{nearest(subset, SUBSETS)}")
    root = next((path / inside for inside in _INSIDE if any((path / inside).glob("*/*_nohash_*.wav"))), None)
    if root is None:
        raise UserError(
            f"{path}: no Speech Commands here; looked for speech_commands_v0.02/WORD/SPEAKER_nohash_N.wav "
            '(for a folder with a manifest.jsonl say kind = "manifest")'
        )
    root = root.absolute()
    try:
        # The ending is what torchaudio strips from an archive's name to get the name of the folder.
        dataset = SPEECHCOMMANDS(root.parent, url=f"{root.name}.tar.gz", folder_in_archive="", subset=subset)
        return tuple(_utterance(dataset, index, root) for index in range(len(dataset)))
    except (OSError, ValueError) as error:
        raise UserError(f"{root}: not the layout of Speech Commands ({error}); unpack the archive again") from error


def _utterance(dataset: SPEECHCOMMANDS, index: int, root: Path) -> Utterance:
    relative, _, word, speaker, _ = dataset.get_metadata(index)
    audio = root.parent / relative
    identity = f"{word}/{audio.name}"
    return Utterance(identity, speaker, normal_text(word), inspect(audio).seconds, AudioFile(audio))
