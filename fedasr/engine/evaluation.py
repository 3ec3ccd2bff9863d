"""What a recogniser does on some speech, outside a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.decoding.greedy import decoding_batches, in_order
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.word_errors import ErrorCounts, by_speaker, count_errors, total
from fedasr.common.errors import UserError
from fedasr.common.threads import one_thread
from fedasr.comparison.intervals import wer_interval
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance
from fedasr.runs.data import HypothesisData
from fedasr.silo.scored import heard_batch


def scores_of(recogniser: Recogniser, speech: Speech, decoder: Decoder | None = None) -> dict[str, Any]:
    """Return error rates, counts and hypotheses on some speech.

    Parameters
    ----------
    recogniser : Recogniser
    speech : Speech
    decoder : Decoder, optional
        Decodes beside what is heard greedily.

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
        batches = decoding_batches(speech.frames_of())
        heard = in_order(batches, [heard_batch(recogniser, speech, batch, False, decoder) for batch in batches])
    names = [speaker_of(utterance) for utterance in speech.utterances]
    counts = [count_errors(speech.text(index), one.text) for index, one in enumerate(heard)]
    decoded = [count_errors(speech.text(index), one.decoded or "") for index, one in enumerate(heard)]
    together = total(counts)
    hypotheses = [
        {**asdict(HypothesisData(u.id, u.speaker, u.text, one.text, one.decoded)), "speaker": name}
        for u, name, one in zip(speech.utterances, names, heard, strict=True)
    ]
    return {
        **_rates("wer", names, counts), "cer": together.cer, "insertions": together.insertions,
        "deletions": together.deletions, "substitutions": together.substitutions,
        **(_rates("wer_decoded", names, decoded) if decoder else {}),
        "utterances": len(speech), "hypotheses": hypotheses,
    }  # fmt: skip


def speaker_of(utterance: Utterance) -> str | None:
    """Return who speaks; None where the corpus does not say, and an utterance is its own speaker for want of one."""
    return utterance.speaker if utterance.speaker != utterance.id else None


def _rates(name: str, names: Sequence[str | None], counts: Sequence[ErrorCounts]) -> dict[str, float | None]:
    low, high = _interval(names, counts) or (None, None)
    return {name: total(counts).wer, f"{name}_low": low, f"{name}_high": high}


def _interval(names: Sequence[str | None], counts: Sequence[ErrorCounts]) -> tuple[float, float] | None:
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        return None
    return wer_interval(list(by_speaker(known, counts).values()))
