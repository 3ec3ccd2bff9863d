"""Scores of a row: on new speakers, clean and noisy, on own speakers, and on those who are left behind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fedasr.asr.recogniser import Weights, digest
from fedasr.asr.word_errors import ErrorCounts, by_speaker, total
from fedasr.comparison.intervals import wer_interval
from fedasr.corpora.noisy.casting import plain_name
from fedasr.engine.assembly import Assembly
from fedasr.runs.data import (
    DECODED,
    GREEDY,
    LEFT_BEHIND,
    NEW_SPEAKERS,
    NOISY,
    OWN_SPEAKERS,
    HypothesisData,
    SiloScore,
    SiloScores,
    SpeakerScore,
)
from fedasr.runs.partition_record import partition_data
from fedasr.server.central import PerSilo
from fedasr.server.scoring import Heard

BySpeaker = Mapping[str, ErrorCounts]
Scores = Mapping[str, Mapping[str, BySpeaker]]
"""By whose speech was scored, how it was decoded, and speaker; a decoding that did not take place is absent."""


def score_model(parts: Assembly, weights: Weights) -> dict[str, Any]:
    """Score one model on the test speakers, with noise too where it is asked for, and on what silos hold out.

    What was heard of the test speakers is written.

    Returns
    -------
    dict
        Fields of `fedasr.runs.row_summary.RowSummary`.
    """
    prepared = parts.prepared
    tested = parts.score(weights, prepared.part("test"), decode=True)
    parts.folder.write_hypotheses(map(hypothesis_of, tested))
    noisy, own = (
        parts.score(weights, part, decode=True) if len(part) else []
        for part in (prepared.noisy_test, prepared.held_out)
    )
    silo_of = {name: silo for silo, names in enumerate(prepared.partition.held_out) for name in names}
    behind = [heard for heard in own if silo_of[heard.utterance.id] in parts.left_behind]
    by_silo: dict[int, list[ErrorCounts]] = {}
    for heard in own:
        by_silo.setdefault(silo_of[heard.utterance.id], []).append(heard.errors)
    _write_silos(parts, "held out", {silo: total(by_silo[silo]) for silo in sorted(by_silo)})
    scores = {
        NEW_SPEAKERS: _decodings(tested), OWN_SPEAKERS: _decodings(own), LEFT_BEHIND: _decodings(behind),
        NOISY: _by_plain_names(_decodings(noisy)),
    }  # fmt: skip
    return {"model_sha256": digest(weights), **_told(parts, scores)}


def score_silo_models(parts: Assembly, models: Mapping[int, PerSilo]) -> dict[str, Any]:
    """Return what silos' own models do: all of them on the test speakers, and each on what its own silo holds out."""
    together = hashlib.sha256("".join(models[silo].model_sha256 for silo in sorted(models)).encode())
    behind = {silo: model for silo, model in models.items() if silo in parts.left_behind}
    scores = {
        NEW_SPEAKERS: _of_models(_on_test(parts, models)), OWN_SPEAKERS: _of_models(_on_own(parts, models)),
        LEFT_BEHIND: _of_models(_on_own(parts, behind)), NOISY: _of_models(_on_noisy(parts, models)),
    }  # fmt: skip
    tested = {silo: total(model.errors) for silo, model in models.items() if model.errors}
    own = {silo: total(model.held_out) for silo, model in models.items() if model.held_out}
    _write_silos(parts, "held out" if own else "test", own or tested)
    rates = [count.wer for count in tested.values()]
    spread = {"wer_spread": (min(rates), max(rates))} if rates else {}
    return {"model_sha256": together.hexdigest(), **_told(parts, scores), **spread}


def hypothesis_of(heard: Heard) -> HypothesisData:
    """Return what was said and what was heard, as it is stored."""
    utterance = heard.utterance
    return HypothesisData(utterance.id, utterance.speaker, utterance.text, heard.hypothesis, heard.decoded)


def _decodings(heard: Sequence[Heard]) -> dict[str, BySpeaker]:
    names = [one.utterance.speaker for one in heard]
    decoded = [one.decoded_errors for one in heard if one.decoded_errors is not None]
    greedy = by_speaker(names, [one.errors for one in heard])
    return {GREEDY: greedy, **({DECODED: by_speaker(names, decoded)} if decoded else {})}


def _by_plain_names(decodings: Mapping[str, BySpeaker]) -> dict[str, BySpeaker]:
    return {how: {plain_name(name): count for name, count in of.items()} for how, of in decodings.items()}


_OfModel = tuple[Sequence[str], Sequence[ErrorCounts], Sequence[ErrorCounts]]
"""Speakers, and what a silo's own model does on each, greedy and decoded."""


def _on_test(parts: Assembly, models: Mapping[int, PerSilo]) -> Iterable[_OfModel]:
    names = sorted(parts.prepared.partition.test)
    return ((names, model.errors, model.decoded) for model in models.values())


def _on_noisy(parts: Assembly, models: Mapping[int, PerSilo]) -> Iterable[_OfModel]:
    names = sorted(parts.prepared.partition.test)
    return ((names, model.noisy, model.noisy_decoded) for model in models.values() if model.noisy)


def _on_own(parts: Assembly, models: Mapping[int, PerSilo]) -> Iterable[_OfModel]:
    """Speakers whose names stay with their nodes are called after their silos."""
    for silo, model in models.items():
        known = parts.prepared.held_out_by(silo).speakers
        names = known or [f"silo {silo} · {place}" for place in range(len(model.held_out))]
        yield names, model.held_out, model.held_out_decoded


def _of_models(models: Iterable[_OfModel]) -> dict[str, BySpeaker]:
    greedy, decoded = list[tuple[str, ErrorCounts]](), list[tuple[str, ErrorCounts]]()
    for names, errors, decoded_errors in models:
        greedy += zip(names, errors, strict=True)
        decoded += zip(names, decoded_errors, strict=True) if decoded_errors else ()
    return {GREEDY: _summed(greedy), **({DECODED: _summed(decoded)} if decoded else {})}


def _summed(counts: Sequence[tuple[str, ErrorCounts]]) -> BySpeaker:
    return by_speaker([name for name, _ in counts], [count for _, count in counts])


def _write_silos(parts: Assembly, on: str, counts: Mapping[int, ErrorCounts]) -> None:
    if counts:
        silos = partition_data(parts.prepared.partition, parts.prepared.speech).silos
        scores = (SiloScore(n, silos[n].speakers, c.errors, c.words, c.wer) for n, c in counts.items())
        parts.folder.write_silos(SiloScores(on, tuple(scores)))


def _told(parts: Assembly, scores: Scores) -> dict[str, Any]:
    """Write the errors by speaker, and return what they are together: fields of the summary, where they are known."""
    parts.folder.write_speakers(
        SpeakerScore(name, count.errors, count.words, count.wer, decoding=decoding, of=of)
        for of, decodings in scores.items()
        for decoding, speakers in decodings.items()
        for name, count in speakers.items()
    )
    new, own, behind, noisy = (scores[of] for of in (NEW_SPEAKERS, OWN_SPEAKERS, LEFT_BEHIND, NOISY))
    together = total(list(new[GREEDY].values()))
    counts = ("cer", "insertions", "deletions", "substitutions") if new[GREEDY] else ()
    return {
        **_rates("wer", new[GREEDY]), **_rates("wer_decoded", new.get(DECODED, {})),
        **{name: getattr(together, name) for name in counts},
        **_rates("own_wer", own[GREEDY]), "own_wer_decoded": _rate(own.get(DECODED, {})),
        **_rates("left_behind_wer", behind[GREEDY]),
        **_rates("noisy_wer", noisy[GREEDY]), "noisy_wer_decoded": _rate(noisy.get(DECODED, {})),
    }  # fmt: skip


def _rates(name: str, speakers: BySpeaker) -> dict[str, Any]:
    """Return a WER and the ends of its interval by the names of the summary; None where nobody says anything."""
    low, high = wer_interval(list(speakers.values())) or (None, None)
    return {name: _rate(speakers), f"{name}_low": low, f"{name}_high": high}


def _rate(speakers: BySpeaker) -> float | None:
    counts = total(list(speakers.values()))
    return counts.wer if counts.words else None
