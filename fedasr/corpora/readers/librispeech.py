"""LibriSpeech, from the folders of its archives."""

from __future__ import annotations

from pathlib import Path

from torchaudio.datasets import LIBRISPEECH

from fedasr.common.errors import UserError, nearest
from fedasr.corpora.audio import AudioFile, inspect
from fedasr.corpora.readers.records import normal_text, read_text
from fedasr.corpora.utterance import Utterance

SUBSETS = (
    "dev-clean", "dev-other", "test-clean", "test-other",
    "train-clean-100", "train-clean-360", "train-other-500",
)  # fmt: skip


def read_librispeech(path: Path, subset: str | None = None) -> tuple[Utterance, ...]:
    """Return the utterances of one subset, or of all that are there; nothing is downloaded.

    Parameters
    ----------
    path : Path
        ``LibriSpeech``, or the folder that holds it.
    subset : str, optional
        Such as ``train-clean-100``.
    """
    if subset is not None and subset not in SUBSETS:
        raise UserError(f"corpus.subset: LibriSpeech has no subset '{subset}'{nearest(subset, SUBSETS)}")
    root = path / "LibriSpeech" if (path / "LibriSpeech").is_dir() else path
    wanted = [name for name in SUBSETS if (root / name).is_dir() and subset in (None, name)]
    if not wanted:
        looked_for = subset or ", ".join(SUBSETS)
        raise UserError(f"{path}: no LibriSpeech here; looked in {root} for any of {looked_for}")
    sexes = _sexes(root / "SPEAKERS.TXT")
    return tuple(utterance for name in wanted for utterance in _read_subset(root, name, sexes))


def _read_subset(root: Path, subset: str, sexes: dict[str, str]) -> list[Utterance]:
    dataset = LIBRISPEECH(root.absolute().parent, url=subset, folder_in_archive=root.absolute().name)
    return [_utterance(dataset, index, root, subset, sexes) for index in range(len(dataset))]


def _utterance(dataset: LIBRISPEECH, index: int, root: Path, subset: str, sexes: dict[str, str]) -> Utterance:
    try:
        relative, _, text, speaker, chapter, _ = dataset.get_metadata(index)
    except (OSError, ValueError) as error:
        raise UserError(f"{root / subset}: no transcript ({error}); unpack the archive again") from error
    fields = {"subset": subset, "chapter": str(chapter)}
    if str(speaker) in sexes:
        fields["sex"] = sexes[str(speaker)]
    audio = root / relative
    return Utterance(
        audio.stem, str(speaker), normal_text(text), inspect(audio).seconds, AudioFile(audio), fields
    )  # fmt: skip


def _sexes(file: Path) -> dict[str, str]:
    """Read ``id | sex | …`` lines; comments start with a semicolon."""
    if not file.is_file():
        return {}
    lines = [line.split("|") for line in read_text(file, "list of speakers").splitlines() if line[:1] != ";"]
    return {cells[0].strip(): cells[1].strip().lower() for cells in lines if len(cells) > 1}
