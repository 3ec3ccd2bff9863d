"""Scores of a row: on the test speakers and silo by silo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedasr.asr.word_errors import ErrorCounts
from fedasr.server.scoring import Heard

if TYPE_CHECKING:
    pass


SILO_UTTERANCES = 10


SILOS_SCORED = 200
"""Scoring models on silos' own speech stops here: with a thousand silos it would outlast the training."""


def _hypothesis(heard: Heard) -> dict[str, Any]:
    utterance = heard.utterance
    return {
        "id": utterance.id, "speaker": utterance.speaker, "reference": utterance.text, "hypothesis": heard.hypothesis,
    }  # fmt: skip


def _silo_row(silo: int, speakers: list[str], count: ErrorCounts) -> dict[str, Any]:
    return {
        "silo": silo,
        "speakers": speakers,
        "errors": count.errors,
        "words": count.words,
        "wer": count.wer,
    }
