"""A trained model hears speech that no run prepared: a corpus to be scored, or audio files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.decoding.greedy import transcribe_batch
from fedasr.asr.features import FeatureSpec, LogMel
from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import UserError
from fedasr.common.threads import one_thread
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.faults import Fault
from fedasr.corpora.features.store import cache_folder, prepare
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance
from fedasr.engine.evaluation import scores_of
from fedasr.engine.notices import unspaced_references, unwritten_references
from fedasr.runs.decoder_file import chosen_decoder
from fedasr.runs.model_file import check_comes_first, load_model

log = logging.getLogger("fedasr")


def scored(recogniser: Recogniser, speech: Speech, decoder: Decoder | None) -> dict[str, Any]:
    """Score, and warn of references that the model could not write, or whose words nothing divides."""
    for line in (unwritten_references(speech.texts(), recogniser.tokens), unspaced_references(speech.texts())):
        if line:
            log.warning(line)
    return scores_of(recogniser, speech, decoder)


def prepared_speech(utterances: Sequence[Utterance], recogniser: Recogniser) -> Speech:
    """Return utterances with the features that a model hears."""
    features = recogniser.spec.features
    return prepare(utterances, LogMel(features), features.digest, cache_folder(), features.sample_rate_hz)


def heard_in(
    model: Path | str, audio: Sequence[Path | str], decoding: Path | str | None = None
) -> list[str | Fault]:  # fmt: skip
    """Return what a trained model hears in each audio file, or why a file cannot be read: see `transcribe`."""
    check_comes_first(Path(model), [Path(path) for path in audio])
    recogniser, decoder = load_model(Path(model)), chosen_decoder(Path(model), decoding)
    with one_thread():
        found = [_features(Path(path), recogniser.spec.features) for path in audio]
        return [
            each if isinstance(each, Fault) else transcribe_batch(recogniser, [each].__getitem__, [0], decoder)[0]
            for each in found
        ]


def _features(file: Path, spec: FeatureSpec) -> NDArray[np.float16] | Fault:
    try:
        return LogMel(spec)(AudioFile(file).read(spec.sample_rate_hz))
    except UserError as error:
        return Fault(str(file), str(error).removeprefix(f"{file}: "), "unusable audio")
