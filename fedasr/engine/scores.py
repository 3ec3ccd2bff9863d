"""Scores of a row: on the test speakers and silo by silo."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from fedasr.asr.recogniser import Weights, digest
from fedasr.asr.word_errors import ErrorCounts, by_speaker, total
from fedasr.common.randomness import Streams
from fedasr.comparison.intervals import wer_interval
from fedasr.engine.assembly import Assembly
from fedasr.runs.data import DECODED, GREEDY, HypothesisData, SiloScore, SiloScores, SpeakerScore
from fedasr.runs.partition_record import partition_data
from fedasr.server.central import PerSilo
from fedasr.server.scoring import Heard

SILO_UTTERANCES = 10
SILOS_SCORED = 200
"""Scoring models on silos' own speech stops here: with a thousand silos it would outlast the training."""


def score_model(parts: Assembly, weights: Weights) -> dict[str, Any]:
    """Score one model on the test speakers and on the silos' own speech, and write what was heard.

    Returns
    -------
    dict
        Fields of `fedasr.runs.row_summary.RowSummary`.
    """
    heard = parts.score(weights, parts.prepared.part("test"), decode=True)
    parts.folder.write_hypotheses(map(hypothesis_of, heard))
    _score_silos(parts, weights)
    own = parts.prepared.held_out
    held_out = total([h.errors for h in parts.score(weights, own)] if len(own) else [])
    names = [h.utterance.speaker for h in heard]
    greedy = by_speaker(names, [h.errors for h in heard])
    decoded = [h.decoded_errors for h in heard if h.decoded_errors is not None]
    scores = _errors(parts, greedy, by_speaker(names, decoded) if decoded else {})
    return {"model_sha256": digest(weights), **_held_out(held_out), **scores}


def score_silo_models(parts: Assembly, models: Mapping[int, PerSilo]) -> dict[str, Any]:
    """Return the mean over silos of what each one's own model does on the test speakers, and the spread."""
    together = hashlib.sha256("".join(models[silo].model_sha256 for silo in sorted(models)).encode())
    held_out = total([model.held_out for model in models.values()])
    summary: dict[str, Any] = {"model_sha256": together.hexdigest(), **_held_out(held_out)}
    names = sorted(parts.prepared.partition.test)
    if not names:
        return summary
    each = {silo: total(model.errors) for silo, model in models.items()}
    silos = partition_data(parts.prepared.partition, parts.prepared.speech.utterances).silos
    rows = (_silo_score(silo, silos[silo].speakers, count) for silo, count in each.items())
    parts.folder.write_silos(SiloScores("test", tuple(rows)))
    speakers = {name: total([m.errors[place] for m in models.values()]) for place, name in enumerate(names)}
    rates = [count.wer for count in each.values()]
    decoding = [model.decoded for model in models.values() if model.decoded]
    decoded = {name: total([errors[place] for errors in decoding]) for place, name in enumerate(names) if decoding}
    return {**summary, **_errors(parts, speakers, decoded), "wer_spread": (min(rates), max(rates))}


def hypothesis_of(heard: Heard) -> HypothesisData:
    """Return what was said and what was heard, as it is stored."""
    utterance = heard.utterance
    return HypothesisData(utterance.id, utterance.speaker, utterance.text, heard.hypothesis, heard.decoded)


def _score_silos(parts: Assembly, weights: Weights) -> None:
    prepared, silos = parts.prepared, range(len(parts.prepared.partition.silos))
    chosen = sorted(Streams(parts.seed).numpy("silos scored").permutation(silos)[:SILOS_SCORED].tolist())
    speech = {silo: prepared.silo_speech(silo, SILO_UTTERANCES) for silo in chosen}
    names = {u.id for part in speech.values() for u in part.utterances}
    if not names:  # the silos' speech lies with their nodes
        return
    heard = parts.score(weights, prepared.speech.where(lambda u: u.id in names))
    errors = {h.utterance.id: h.errors for h in heard}
    rows = (_silo_score(n, s.speakers, total([errors[u.id] for u in s.utterances])) for n, s in speech.items())
    parts.folder.write_silos(SiloScores("own speech", tuple(rows)))


def _held_out(errors: ErrorCounts) -> dict[str, Any]:
    return {"held_out_wer": errors.wer} if errors.words else {}


def _silo_score(silo: int, speakers: Sequence[str], count: ErrorCounts) -> SiloScore:
    return SiloScore(silo, tuple(speakers), count.errors, count.words, count.wer)


def _errors(
    parts: Assembly, greedy: Mapping[str, ErrorCounts], decoded: Mapping[str, ErrorCounts]
) -> dict[str, Any]:  # fmt: skip
    """Write the errors on each test speaker, and return what they are together; decoded ones where there are any."""
    if not greedy:
        return {}
    by_decoding = {GREEDY: greedy, DECODED: decoded}
    parts.folder.write_speakers(
        SpeakerScore(name, c.errors, c.words, c.wer, decoding)
        for decoding, speakers in by_decoding.items()
        for name, c in speakers.items()
    )
    together = total(list(greedy.values()))
    return {
        **_rates("wer", greedy), "cer": together.cer, "insertions": together.insertions,
        "deletions": together.deletions, "substitutions": together.substitutions,
        **(_rates("wer_decoded", decoded) if decoded else {}),
    }  # fmt: skip


def _rates(name: str, speakers: Mapping[str, ErrorCounts]) -> dict[str, Any]:
    """Return a WER and the ends of its interval by the names of the summary."""
    counts = list(speakers.values())
    low, high = wer_interval(counts) or (None, None)
    return {name: total(counts).wer, f"{name}_low": low, f"{name}_high": high}
