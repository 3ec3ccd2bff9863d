"""A partition as a run folder tells of it."""

from __future__ import annotations

from fedasr.corpora.features.placed import rows_of
from fedasr.corpora.partition import SPEAKER_PARTS, Partition
from fedasr.corpora.speech import Speech
from fedasr.runs.data import PartData, PartitionData, SiloData


def partition_data(partition: Partition, speech: Speech) -> PartitionData:
    """Return speakers, utterances and seconds of every part of a partition by rows of prepared speech."""
    held = {name: speech.of_speakers(getattr(partition, name)) for name in SPEAKER_PARTS}
    parts = {name: PartData(tuple(part.speakers), *_extent(part)) for name, part in held.items()}
    silos = (_silo(partition, number, speech) for number in range(len(partition.silos)))
    return PartitionData(partition.rule, tuple(silos), **parts)


def _silo(partition: Partition, number: int, speech: Speech) -> SiloData:
    rows = (rows_of(names, speech.store) for names in (partition.silos[number], partition.held_out_by(number)))
    own, held_out = (Speech(speech.store, some) for some in rows)
    speakers = tuple(sorted({*own.speakers, *held_out.speakers}))
    return SiloData(number, speakers, *_extent(own), *_extent(held_out))


def _extent(speech: Speech) -> tuple[int, float]:
    return len(speech), round(speech.seconds, 3)


def difference(was: PartitionData, now: PartitionData) -> str:
    """Return in a few words where two partitions part; empty where they tell the same."""
    if len(was.silos) != len(now.silos):
        return f"{len(now.silos)} silos, not {len(was.silos)}"
    parts = [(name.replace("_", " "), getattr(was, name), getattr(now, name)) for name in SPEAKER_PARTS]
    silos = [(f"silo {old.silo}", old, new) for old, new in zip(was.silos, now.silos, strict=True)]
    return next((words for one in [*silos, *parts] if (words := _difference(*one))), "")


def _difference(name: str, was: SiloData | PartData, now: SiloData | PartData) -> str:
    if odd := sorted(set(was.speakers) ^ set(now.speakers)):
        return f"{name} has other speakers: {', '.join(odd[:3])}"
    if was.utterances != now.utterances:
        return f"{name} has {now.utterances} utterances, not {was.utterances}"
    if was.seconds != now.seconds:
        return f"{name} has {now.seconds:g} s of speech, not {was.seconds:g}"
    held = [getattr(one, "held_out_seconds", 0.0) for one in (was, now)]
    return "" if held[0] == held[1] else f"{name} holds out {held[1]:g} s of speech, not {held[0]:g}"
