"""Writing one folder of the cache: whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, inspect
from fedasr.corpora.connected import JoinedAudio
from fedasr.corpora.features.extract import Extracted
from fedasr.corpora.features.sources import describe
from fedasr.corpora.utterance import AudioSource, Utterance

FEATURES, INDEX, META = "features.bin", "index.jsonl", "meta.json"
_BUILDING = ".building-"
_DAY_SECONDS = 86_400
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


@dataclass
class _Written:
    """What is written so far."""

    utterances: int = 0
    total_bytes: int = 0
    mels: int = 0


def build(
    folder: Path,
    utterances: Sequence[Utterance],
    extracted: Iterable[Extracted],
    sample_rate_hz: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the features of some utterances to a folder that appears complete, or not at all.

    Parameters
    ----------
    folder : Path
    utterances : sequence of Utterance
    extracted : iterable
        Features and number of samples of each utterance, in order.
    sample_rate_hz : int
    progress : callable, optional
        Called with the number of utterances done and of all.
    """
    written = _Written()
    with _explained(folder.parent.parent, written, len(utterances)):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        temporary = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=folder.parent))
        try:
            for _ in _write(temporary, utterances, extracted, sample_rate_hz, written):
                if progress is not None:
                    progress(written.utterances, len(utterances))
            _write_meta(temporary, written, _notes(utterances, sample_rate_hz))
            _publish(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def is_complete(folder: Path) -> bool:
    """Return whether a folder holds all that was to be written to it."""
    try:
        return bool((folder / FEATURES).stat().st_size == read_meta(folder)["bytes"])
    except (OSError, ValueError, KeyError):
        return False


def read_meta(folder: Path) -> dict[str, Any]:
    """Return what a folder says of itself: mels, bytes, utterances, notes."""
    meta: dict[str, Any] = json.loads((folder / META).read_text(encoding="utf-8"))
    return meta


def _write(
    folder: Path,
    utterances: Sequence[Utterance],
    extracted: Iterable[Extracted],
    sample_rate_hz: int,
    written: _Written,
) -> Iterator[None]:
    with (folder / FEATURES).open("wb") as features, (folder / INDEX).open("w", encoding="utf-8") as index:
        for utterance, (features_TF, samples) in zip(utterances, extracted, strict=True):
            row = _row(utterance, len(features_TF), samples / sample_rate_hz)
            index.write(json.dumps(row) + "\n")
            written.total_bytes += features.write(features_TF.tobytes())
            written.mels = features_TF.shape[1]
            written.utterances += 1
            yield


def _row(utterance: Utterance, frames: int, seconds: float) -> dict[str, object]:
    return {
        "id": utterance.id,
        "speaker": utterance.speaker,
        "text": utterance.text,
        "seconds": seconds,
        "frames": frames,
        "fields": dict(utterance.fields),
        "audio": describe(utterance.audio),
    }


def _write_meta(folder: Path, written: _Written, notes: list[str]) -> None:
    meta = {
        "mels": written.mels,
        "bytes": written.total_bytes,
        "utterances": written.utterances,
        "notes": notes,
    }
    (folder / META).write_text(json.dumps(meta), encoding="utf-8")


def _publish(temporary: Path, folder: Path) -> None:
    # mkdtemp() makes folders that nobody else may read; a cache may be shared.
    temporary.chmod(0o755)
    if folder.exists() and not is_complete(folder):
        shutil.rmtree(folder)
    try:
        os.replace(temporary, folder)
    except OSError:
        # Another process may have been faster.
        if not is_complete(folder):
            raise


def _sweep(parent: Path) -> None:
    """Remove what builds that were killed left behind."""
    for folder in parent.glob(f"{_BUILDING}*"):
        with suppress(OSError):
            newest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
            if time.time() - newest > _DAY_SECONDS:
                shutil.rmtree(folder)


def _notes(utterances: Sequence[Utterance], sample_rate_hz: int) -> list[str]:
    """Say, once for the whole corpus, what is done to its files."""
    paths = {file.path: None for utterance in utterances for file in _files(utterance.audio)}
    headers = [inspect(path) for path in paths]
    rates = Counter(header.rate_hz for header in headers if header.rate_hz != sample_rate_hz)
    notes = [f"{n} audio files resampled from {hz} Hz to {sample_rate_hz} Hz" for hz, n in sorted(rates.items())]
    several = sum(header.channels > 1 for header in headers)
    return notes + ([f"{several} audio files mixed down to one channel"] if several else [])


def _files(audio: AudioSource) -> list[AudioFile]:
    if isinstance(audio, JoinedAudio):
        return [file for source in audio.sources for file in _files(source)]
    return [audio] if isinstance(audio, AudioFile) else []


@contextmanager
def _explained(cache: Path, written: _Written, utterances: int) -> Iterator[None]:
    """Turn what a disk may refuse into one line for the user."""
    try:
        yield
    except OSError as error:
        mend = "free some space, or set FEDASR_CACHE to a folder on another disk"
        if error.errno in _FULL:
            raise UserError(f"{cache}: the disk is full; {_needed(written, utterances)}; {mend}") from error
        if error.errno in _FORBIDDEN:
            reason = f"cannot write the cache of features here ({error.strerror})"
            raise UserError(f"{cache}: {reason}; set FEDASR_CACHE to another folder") from error
        raise


def _needed(written: _Written, utterances: int) -> str:
    if not written.utterances:
        return f"the features of {utterances} utterances do not fit"
    megabytes = written.total_bytes / written.utterances * utterances / 1e6
    return f"the features of {utterances} utterances need about {max(megabytes, 0.1):.1f} MB"
