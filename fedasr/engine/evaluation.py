"""What a recogniser does on some speech, outside a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fedasr.asr.decoding.greedy import transcribe_all
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.word_errors import ErrorCounts, by_speaker, count_errors, total
from fedasr.common.errors import UserError
from fedasr.common.threads import one_thread
from fedasr.comparison.intervals import wer_interval
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance
from fedasr.runs.data import HypothesisData


def scores_of(recogniser: Recogniser, speech: Speech) -> dict[str, Any]:
    """Return error rates, counts and hypotheses on some speech.

    Parameters
    ----------
    recogniser : Recogniser
    speech : Speech

    Returns
    -------
    dict
        See `fedasr.evaluate`. The ends of the interval are None where there is none: it is over speakers, so it
        needs two of them, and every utterance somebody who said it.

    Raises
    ------
    UserError
        Where there is no speech.
    """
    if not len(speech):
        raise UserError("there is no speech to score on: the run holds no speakers out; name a manifest")
    with one_thread():
        heard = transcribe_all(recogniser, speech.features, [speech.frames(index) for index in range(len(speech))])
    counts = [count_errors(speech.text(index), heard[index]) for index in range(len(speech))]
    together = total(counts)
    names = [speaker_of(utterance) for utterance in speech.utterances]
    low, high = _interval(names, counts) or (None, None)
    hypotheses = [
        {**asdict(HypothesisData(u.id, u.speaker, u.text, text)), "speaker": name}
        for u, name, text in zip(speech.utterances, names, heard, strict=True)
    ]
    return {
        "wer": together.wer, "wer_low": low, "wer_high": high, "cer": together.cer,
        "insertions": together.insertions, "deletions": together.deletions,
        "substitutions": together.substitutions, "utterances": len(speech), "hypotheses": hypotheses,
    }  # fmt: skip


def speaker_of(utterance: Utterance) -> str | None:
    """Return who speaks; None where the corpus does not say, and an utterance is its own speaker for want of one."""
    return utterance.speaker if utterance.speaker != utterance.id else None


def _interval(names: Sequence[str | None], counts: Sequence[ErrorCounts]) -> tuple[float, float] | None:
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        return None
    return wer_interval(list(by_speaker(known, counts).values()))
