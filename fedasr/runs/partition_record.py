"""A partition as a run folder tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fedasr.corpora.partition import SPEAKER_PARTS, Partition
from fedasr.corpora.utterance import Utterance
from fedasr.runs.records import PartData, PartitionData, SiloData


def partition_data(partition: Partition, utterances: Sequence[Utterance]) -> PartitionData:
    """Return speakers, utterances and seconds of every part."""
    by_id = {utterance.id: utterance for utterance in utterances}
    held_out = {name: set(getattr(partition, name)) for name in SPEAKER_PARTS}
    parts = {name: PartData(*_extent(u for u in utterances if u.speaker in held)) for name, held in held_out.items()}
    silos = (SiloData(number, *_extent(by_id[i] for i in silo)) for number, silo in enumerate(partition.silos))
    return PartitionData(partition.rule, tuple(silos), **parts)


def _extent(utterances: Iterable[Utterance]) -> tuple[tuple[str, ...], int, float]:
    held = list(utterances)
    seconds = round(sum(utterance.duration_seconds for utterance in held), 3)
    return tuple(sorted({utterance.speaker for utterance in held})), len(held), seconds
