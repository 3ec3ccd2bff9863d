import pytest

from fedasr.engine.preparation import Prepared
from fedasr.runs.partition_record import partition_data


def test_everybody_is_counted_once(prepared: Prepared) -> None:
    found = partition_data(prepared.partition, prepared.speech)
    parts = [found.public_labelled, found.public_unlabelled, found.development, found.test]
    assert [silo.silo for silo in found.silos] == list(range(len(prepared.partition.silos)))
    assert [silo.utterances for silo in found.silos] == [len(ids) for ids in prepared.partition.silos]
    assert sum(part.utterances for part in [*parts, *found.silos]) == len(prepared.speech)
    assert sum(part.seconds for part in [*parts, *found.silos]) == pytest.approx(prepared.speech.seconds, abs=0.01)
    speakers = [speaker for part in [*parts, *found.silos] for speaker in part.speakers]
    assert sorted(speakers) == prepared.speech.speakers
