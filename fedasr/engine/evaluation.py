"""What a recogniser does on some speech, outside a run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fedasr.asr.decoding.greedy import transcribe_all
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.word_errors import by_speaker, count_errors, total, wer_interval
from fedasr.common.errors import UserError
from fedasr.common.randomness import Streams
from fedasr.common.threads import one_thread
from fedasr.corpora.speech import Speech
from fedasr.runs.data import HypothesisData


def scores_of(recogniser: Recogniser, speech: Speech, seed: int = 0) -> dict[str, Any]:
    """Return error rates, counts and hypotheses on some speech.

    Parameters
    ----------
    recogniser : Recogniser
    speech : Speech
    seed : int
        Draws the interval over speakers, as a row of that seed draws it.

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
    speakers = by_speaker([u.speaker for u in speech.utterances], counts)
    low, high = wer_interval(list(speakers.values()), Streams(seed).sequence("bootstrap"))
    hypotheses = [
        asdict(HypothesisData(u.id, u.speaker, u.text, heard[index])) for index, u in enumerate(speech.utterances)
    ]
    return {
        "wer": together.wer, "wer_low": low, "wer_high": high, "cer": together.cer,
        "insertions": together.insertions, "deletions": together.deletions,
        "substitutions": together.substitutions, "utterances": len(speech), "hypotheses": hypotheses,
    }  # fmt: skip
