"""Who is left behind: the silos that the start serves worst, the same for every row of a seed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fedasr.asr.recogniser import Weights, digest
from fedasr.asr.word_errors import ErrorCounts, total
from fedasr.common.files import write_json
from fedasr.common.randomness import Streams
from fedasr.corpora.features.placed import rows_of
from fedasr.corpora.speech import Speech
from fedasr.engine.preparation import Prepared
from fedasr.grid.workers import Workers
from fedasr.runs.data import LeftBehind
from fedasr.runs.filling import filled
from fedasr.runs.json_files import json_there
from fedasr.server.scoring import Scorer

SHARE = 10
"""One silo in so many is among them."""
SILOS_SCORED, SILO_UTTERANCES = 200, 10
"""At most so many silos, drawn by the seed, are ranked, by so many utterances each: else it would outlast training."""


def rank_silos(prepared: Prepared, seed: int, start: Weights, path: Path, workers: Workers) -> LeftBehind:
    """Return the tenth of the silos that a start serves worst, read from `path` where it was found before.

    By the word errors of the start on what silos *train* on: by a row's own errors on the little that they hold out
    it would be luck who is worst. Only silos that hold speech out are ranked, for rows are scored on that.
    """
    if not any(prepared.partition.held_out):
        return LeftBehind((), 0, SILO_UTTERANCES)
    key = _key(prepared, seed, start)
    known = json_there(path, [])
    if isinstance(known, dict) and known.get("key") == key:
        return filled(LeftBehind, known)
    score = Scorer(prepared.folder, prepared.recogniser_spec, prepared.tokens, workers, prepared.decoder)
    errors = _errors(prepared, seed, start, score)
    found = LeftBehind(worst(errors), len(errors), SILO_UTTERANCES)
    write_json(path, {"key": key, **asdict(found)})
    return found


def worst(errors: Mapping[int, ErrorCounts]) -> tuple[int, ...]:
    """Return the tenth of silos with the highest error rates, at least one, in order; of equals the first numbers."""
    ranked = sorted(errors, key=lambda silo: (-errors[silo].wer, silo))
    return tuple(sorted(ranked[: math.ceil(len(ranked) / SHARE)]))


def _errors(prepared: Prepared, seed: int, start: Weights, score: Scorer) -> dict[int, ErrorCounts]:
    holding = [silo for silo, held in enumerate(prepared.partition.held_out) if held]
    order = Streams(seed).numpy("silos scored").permutation(len(holding))[:SILOS_SCORED]
    speech = {holding[place]: prepared.silo_speech(holding[place], SILO_UTTERANCES) for place in sorted(order)}
    is_aligned = prepared.recogniser_spec.is_aligned  # it writes words in a search alone
    rows = np.sort(np.concatenate([part.rows for part in speech.values()]))
    heard = {h.utterance.id: h.errors for h in score(start, Speech(prepared.speech.store, rows), decode=is_aligned)}
    return {silo: total([heard[part.id(place)] for place in range(len(part))]) for silo, part in speech.items()}


def _key(prepared: Prepared, seed: int, start: Weights) -> str:
    """Name all that decides who is worst."""
    facts = (digest(start), prepared.digest, seed, SILOS_SCORED, SILO_UTTERANCES, SHARE)
    total = hashlib.sha256(repr(facts).encode())
    for names in prepared.partition.silos:
        rows = rows_of(names, prepared.speech.store)
        total.update(f"\n{len(rows)} {rows.dtype}\n".encode() + rows.tobytes())
    return total.hexdigest()
