"""A partition as a run folder tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fedasr.corpora.partition import SPEAKER_PARTS, Partition
from fedasr.corpora.utterance import Utterance
from fedasr.runs.data import PartData, PartitionData, SiloData


def partition_data(partition: Partition, utterances: Sequence[Utterance]) -> PartitionData:
    """Return speakers, utterances and seconds of every part."""
    by_id = {utterance.id: utterance for utterance in utterances}
    held_out = {name: set(getattr(partition, name)) for name in SPEAKER_PARTS}
    parts = {name: PartData(*_extent(u for u in utterances if u.speaker in held)) for name, held in held_out.items()}
    silos = (_silo(partition, number, by_id) for number in range(len(partition.silos)))
    return PartitionData(partition.rule, tuple(silos), **parts)


def _silo(partition: Partition, number: int, by_id: Mapping[str, Utterance]) -> SiloData:
    own, held_out = ([by_id[i] for i in ids] for ids in (partition.silos[number], partition.held_out_by(number)))
    speakers, _, _ = _extent([*own, *held_out])
    return SiloData(number, speakers, *_extent(own)[1:], *_extent(held_out)[1:])


def _extent(utterances: Iterable[Utterance]) -> tuple[tuple[str, ...], int, float]:
    held = list(utterances)
    seconds = round(sum(utterance.duration_seconds for utterance in held), 3)
    return tuple(sorted({utterance.speaker for utterance in held})), len(held), seconds


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
