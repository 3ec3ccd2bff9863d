"""The speech of a run, put down for its folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fedasr.corpora.checking.summary import CorpusSummary
from fedasr.corpora.partition import SPEAKER_PARTS
from fedasr.runs.data import PartData, PartitionData, SiloData
from fedasr.runs.speech_data import CorpusData, ExtentData, LeftOutData, SpeechData


def speech_data(
    summaries: Mapping[str, CorpusSummary], partition: PartitionData, notes: Iterable[str] = ()
) -> SpeechData:  # fmt: skip
    """Return how much speech each corpus and each part holds, and what was left out.

    Parameters
    ----------
    summaries : mapping
        What is to be said of each corpus that was read.
    partition : PartitionData
    notes : iterable of str
        What is to be said of all speech.
    """
    corpora = {name: _corpus(summary) for name, summary in summaries.items()}
    parts = {"silos": _extent(partition.silos)} | _held_out(partition.silos)
    parts |= {name: _extent([getattr(partition, name)]) for name in SPEAKER_PARTS}
    return SpeechData(corpora, parts, tuple(notes))


def _held_out(silos: Iterable[SiloData]) -> dict[str, ExtentData]:
    """Return what silos hold out of their own speech; nothing where none does."""
    held = [
        PartData(silo.speakers, silo.held_out_utterances, silo.held_out_seconds)
        for silo in silos
        if silo.held_out_utterances
    ]
    return {"held_out": _extent(held)} if held else {}


def _corpus(summary: CorpusSummary) -> CorpusData:
    extent = ExtentData(_hours(summary.seconds), summary.speakers, summary.utterances)
    return CorpusData(extent, tuple(LeftOutData(f.where, f.reason, f.kind) for f in summary.left_out))


def _extent(parts: Iterable[PartData | SiloData]) -> ExtentData:
    held = list(parts)
    speakers = {speaker for part in held for speaker in part.speakers}
    return ExtentData(_hours(sum(part.seconds for part in held)), len(speakers), sum(part.utterances for part in held))


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 6)
