"""The cache of features: one folder for each corpus and extractor, named by what is in it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from fedasr.corpora.checking.corpus import check_distinct
from fedasr.corpora.features.building import build, is_complete, is_intact, read_meta
from fedasr.corpora.features.extract import Extractor, extract
from fedasr.corpora.features.fingerprints import Fingerprints
from fedasr.corpora.features.mapped import MappedStore
from fedasr.corpora.features.opened import forget_opened, opened_speech
from fedasr.corpora.speech import Speech, speech_of
from fedasr.corpora.utterance import Utterance

_logger = logging.getLogger("fedasr")


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

    The utterances come back as the cache's folder tells of them, with their true durations (`MappedStore`). The folder
    appears whole or not at all: of two processes that build the same one, the slower throws its own away.

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
    if is_complete(folder) and not is_intact(folder):
        _logger.warning("%s: corrupt; features are computed again", folder)
        shutil.rmtree(folder, ignore_errors=True)
    if not is_complete(folder):
        with closing(extract(everything, extractor, sample_rate_hz, workers)) as extracted:
            build(folder, everything, extracted, sample_rate_hz, progress)
        forget_opened()
    for note in read_meta(folder)["notes"]:
        _logger.warning(note)
    return opened_speech(folder)


def open_speech(folder: Path) -> Speech:
    """Return the speech of one folder of the cache, from that folder alone; see `MappedStore`."""
    return speech_of(MappedStore(folder))


def store_of(speech: Speech) -> MappedStore:
    """Return where prepared speech lies."""
    assert isinstance(speech.store, MappedStore)
    return speech.store


def _digest(utterances: Sequence[Utterance], features: str, fingerprints: Fingerprints) -> str:
    digest = hashlib.sha256(f"features-1 {features}\n".encode())
    for utterance in utterances:
        fields = sorted(utterance.fields.items())
        row = [utterance.id, utterance.speaker, utterance.text, fields, fingerprints.of(utterance.audio)]
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()[:32]
