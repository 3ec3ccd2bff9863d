"""Writing one folder of the cache: whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedasr.common.errors import DiskError, UserError
from fedasr.common.files import file_digest, read_object
from fedasr.common.strict_json import sealed, strict
from fedasr.corpora.features.extract import Extracted
from fedasr.corpora.features.sources import describe
from fedasr.corpora.features.tabulate import COLUMNS, INDEX, column_digests, tabulate
from fedasr.corpora.noted import Note, counted
from fedasr.corpora.utterance import Utterance

FEATURES, META, SHA256 = "features.bin", "meta.json", "sha256"
CHECKED_BYTES = 2**30
"""Features of at most so many bytes are read through before they are used: a second's work."""
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
    notes: dict[Note, None] = field(default_factory=dict)
    features_hash: Any = field(default_factory=hashlib.sha256)
    index_hash: Any = field(default_factory=hashlib.sha256)


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
        Features, number of samples and notes of each utterance, in order.
    sample_rate_hz : int
    progress : callable, optional
        Called with the number of utterances done and of all.
    """
    written = _Written()
    with explained(folder.parent.parent, lambda: _needed(written, len(utterances))):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        temporary = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=folder.parent))
        try:
            for _ in _write(temporary, utterances, extracted, sample_rate_hz, written):
                if progress is not None:
                    progress(written.utterances, len(utterances))
            tabulate(temporary)
            _write_meta(temporary, written)
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
    return read_object(folder / META)


def is_intact(folder: Path) -> bool:
    """Return whether columns, index and features (up to `CHECKED_BYTES`) are as written, where that is known."""
    try:
        known = {(folder / name): digest for name, digest in read_meta(folder).get(SHA256, {}).items()}
        known |= {(folder / COLUMNS / name): digest for name, digest in column_digests(folder).items()}
        sizes = {path: path.stat().st_size for path in known}
        checked = [path for path in known if path.name != FEATURES or sizes[path] <= CHECKED_BYTES]
        return all(file_digest(path) == known[path] for path in checked)
    except (OSError, ValueError, AttributeError):
        return False


def _write(
    folder: Path,
    utterances: Sequence[Utterance],
    extracted: Iterable[Extracted],
    sample_rate_hz: int,
    written: _Written,
) -> Iterator[None]:
    with (folder / FEATURES).open("wb") as features, (folder / INDEX).open("w", encoding="utf-8") as index:
        for utterance, (features_TF, samples, notes) in zip(utterances, extracted, strict=True):
            line = json.dumps(_row(utterance, len(features_TF), samples / sample_rate_hz)) + "\n"
            index.write(line)
            content = features_TF.tobytes()
            written.total_bytes += features.write(content)
            written.features_hash.update(content)
            written.index_hash.update(line.encode())
            written.mels = features_TF.shape[1]
            written.notes.update(dict.fromkeys(notes))
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


def _write_meta(folder: Path, written: _Written) -> None:
    meta = {
        "mels": written.mels,
        "bytes": written.total_bytes,
        "utterances": written.utterances,
        "notes": counted(written.notes),
        SHA256: {FEATURES: written.features_hash.hexdigest(), INDEX: written.index_hash.hexdigest()},
    }
    (folder / META).write_text(strict(sealed(meta, META)), encoding="utf-8")


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


@contextmanager
def explained(cache: Path, needed: Callable[[], str]) -> Iterator[None]:
    """Turn what a disk may refuse into one line for the user, which says what was needed where it is full."""
    try:
        yield
    except (OSError, DiskError) as caught:
        error = caught if isinstance(caught, OSError) else caught.__cause__
        if not isinstance(error, OSError):
            raise
        mend = "free some space, or set FEDASR_CACHE to a folder on another disk"
        if error.errno in _FULL:
            raise UserError(f"{cache}: the disk is full; {needed()}; {mend}") from error
        if error.errno in _FORBIDDEN:
            reason = f"cannot write the cache of features here ({error.strerror})"
            raise UserError(f"{cache}: {reason}; set FEDASR_CACHE to another folder") from error
        raise


def _needed(written: _Written, utterances: int) -> str:
    if not written.utterances:
        return f"the features of {utterances} utterances do not fit"
    megabytes = written.total_bytes / written.utterances * utterances / 1e6
    return f"the features of {utterances} utterances need about {max(megabytes, 0.1):.1f} MB"
