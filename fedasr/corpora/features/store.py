"""The cache of features: one folder for each corpus and extractor, named by what is in it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.alignment import Alignment
from fedasr.corpora.checking.corpus import check_distinct
from fedasr.corpora.features.alignments import open_alignments
from fedasr.corpora.features.building import FEATURES, INDEX, build, is_complete, read_meta
from fedasr.corpora.features.extract import Extractor, extract
from fedasr.corpora.features.fingerprints import Fingerprints
from fedasr.corpora.features.sources import restore
from fedasr.corpora.sped import SpedAudio
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance

_logger = logging.getLogger("fedasr")

Span = tuple[int, int]
"""First frame and number of frames."""


class MappedFeatures:
    """Features mapped from disk, read-only; crosses to another process as a path.

    Parameters
    ----------
    folder : Path
        The corpus' folder in the cache: what `open_speech` takes.
    mels : int
    spans : dict
        First frame and number of frames by utterance id.
    copies : dict
        The same of copies at other speeds, by utterance id and speed.
    """

    def __init__(
        self, folder: Path, mels: int, spans: dict[str, Span], copies: dict[tuple[str, float], Span] | None = None
    ) -> None:
        self.folder = folder
        self._mels = mels
        self._spans = spans
        self._copies = copies or {}
        self._alignments: dict[str, Alignment] = {}
        self._mapped = np.memmap(folder / FEATURES, np.float16, mode="r").reshape(-1, mels)

    def __getitem__(self, utterance_id: str) -> NDArray[np.floating]:
        """Return the features of an utterance, shape (frames of 10 ms, mels)."""
        return self._at(self._spans[utterance_id])

    def sped(self, utterance_id: str, speed: float) -> NDArray[np.floating]:
        """Return the features of an utterance's copy at a speed other than 1, shape (its frames, mels)."""
        return self._at(self._copies[utterance_id, speed])

    def alignment(self, utterance_id: str, name: str) -> Alignment:
        """Return the phones of an utterance, frame by frame, of the alignments of a name; KeyError without them."""
        if name not in self._alignments:
            self._alignments[name] = open_alignments(self.folder, name)
        first, frames = self._spans[utterance_id]
        return self._alignments[name].part(first, first + frames)

    def frames(self, utterance_id: str) -> int:
        """Return the number of 10 ms frames without reading them."""
        return self._spans[utterance_id][1]

    def __reduce__(self) -> tuple[Any, ...]:
        return MappedFeatures, (self.folder, self._mels, self._spans, self._copies)

    def _at(self, span: Span) -> NDArray[np.floating]:
        first, frames = span
        return np.asarray(self._mapped[first : first + frames])


def cache_folder() -> Path:
    """Return where caches are kept: ``$FEDASR_CACHE``, or ``~/.cache/fedasr``."""
    return Path(os.environ.get("FEDASR_CACHE") or Path.home() / ".cache" / "fedasr").expanduser()


def prepare(
    utterances: Sequence[Utterance],
    extractor: Extractor,
    extractor_digest: str,
    cache_folder: Path,
    sample_rate_hz: int,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    copies: Sequence[Utterance] = (),
) -> Speech:
    """Return utterances with their features, computed now or found in the cache.

    The utterances come back with their true durations. The cache's folder appears whole or not at
    all: of two processes that build the same one, the slower throws its own away.

    Parameters
    ----------
    utterances : sequence of Utterance
    extractor : callable
        From float32 samples to features, shape (frames, mels); kept as float16. Goes to other processes by
        pickle where `workers` is above 1.
    extractor_digest : str
        Names what the extractor computes.
    cache_folder : Path
    sample_rate_hz : int
        The rate that audio is resampled to.
    workers : int
        The most processes to use; the features do not depend on it.
    progress : callable, optional
        Called with the number of utterances done and of all, where features have to be computed.
    copies : sequence of Utterance
        Of some of the utterances at other speeds (`fedasr.corpora.sped`): only their features are kept, and
        `Speech.features` returns them.
    """
    checked = check_distinct(utterances)
    fingerprints = Fingerprints(cache_folder / "fingerprints.json")
    everything = (*checked, *copies)
    digest = _digest(everything, f"{extractor_digest} {sample_rate_hz}", fingerprints)
    folder = cache_folder / "features" / digest
    fingerprints.save()
    if not is_complete(folder):
        with closing(extract(everything, extractor, sample_rate_hz, workers)) as extracted:
            build(folder, everything, extracted, sample_rate_hz, progress)
    for note in read_meta(folder)["notes"]:
        _logger.warning(note)
    opened = open_speech(folder)
    durations = [kept.duration_seconds for kept in opened.utterances]
    timed = (replace(u, duration_seconds=s) for u, s in zip(checked, durations, strict=True))
    return Speech(tuple(timed), opened.store)


def open_speech(folder: Path) -> Speech:
    """Return the speech of one folder of the cache, from that folder alone.

    Audio files are where they were when the features were computed; synthetic speech is rendered again;
    other audio raises `UserError` when it is read.
    """
    if not is_complete(folder):
        raise UserError(f"{folder}: not a complete folder of cached features; prepare the corpus again")
    spans, copies, utterances, first = dict[str, Span](), dict[tuple[str, float], Span](), [], 0
    with (folder / INDEX).open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            name, span, audio = row["id"], (first, row["frames"]), restore(row["audio"])
            first += row["frames"]
            if isinstance(audio, SpedAudio):
                copies[name, audio.speed] = span
                continue
            spans[name] = span
            utterances.append(Utterance(name, row["speaker"], row["text"], row["seconds"], audio, row["fields"]))
    return Speech(tuple(utterances), MappedFeatures(folder, read_meta(folder)["mels"], spans, copies))


def _digest(utterances: Sequence[Utterance], features: str, fingerprints: Fingerprints) -> str:
    digest = hashlib.sha256(f"features-1 {features}\n".encode())
    for utterance in utterances:
        fields = sorted(utterance.fields.items())
        row = [utterance.id, utterance.speaker, utterance.text, fields, fingerprints.of(utterance.audio)]
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()[:32]
