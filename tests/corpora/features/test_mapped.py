"""Prepared speech is read from columns: of any size, of any version, by any process."""

import pickle
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from support.sound import utterance
from support.wide_corpus import AN_HOUR, wide_corpus

from fedasr.common.errors import UserError
from fedasr.corpora.features.placed import PlacedNames, placed, rows_of, rows_of_all
from fedasr.corpora.features.store import open_speech, prepare, store_of
from fedasr.corpora.features.tabulate import COLUMNS, tabulate
from fedasr.corpora.partition import Partition
from fedasr.corpora.sped import sped_copies
from fedasr.corpora.speech import Speech


def _samples(samples: np.ndarray) -> np.ndarray:
    return samples[: len(samples) // 8 * 8].reshape(-1, 8).astype(np.float16)


def _prepared(folder: Path) -> Speech:
    utterances = [utterance(i, f"speaker {9 - i}", seconds=0.1 + i / 100) for i in range(6)]
    copies = sped_copies(utterances[2:], [0.9, 1.1])
    return prepare(utterances, _samples, "samples", folder, 16_000, copies=copies)


def test_a_folder_of_an_earlier_version_has_an_index_alone_and_is_read_the_same(tmp_path: Path) -> None:
    speech = _prepared(tmp_path)
    folder = store_of(speech).folder
    before = {path.name: path.read_bytes() for path in (folder / COLUMNS).iterdir()}
    shutil.rmtree(folder / COLUMNS)
    again = open_speech(folder)
    assert list(again.utterances) == list(speech.utterances)
    assert [(u.id, u.text, u.speaker, u.duration_seconds) for u in again.utterances] == [
        (again.id(place), again.text(place), again.speaker(place), again.seconds_of()[place]) for place in range(6)
    ]
    np.testing.assert_array_equal(again.features(3, 0.9), speech.features(3, 0.9))
    assert {path.name: path.read_bytes() for path in (folder / COLUMNS).iterdir()} == before
    assert not list(folder.glob(f".{COLUMNS}-*"))


def test_speakers_are_sorted_and_found(tmp_path: Path) -> None:
    speech = _prepared(tmp_path)
    assert speech.speakers == [f"speaker {number}" for number in range(4, 10)]
    assert [u.speaker for u in speech.of_speakers(["speaker 9", "speaker 4", "nobody", ""]).utterances] == [
        "speaker 9", "speaker 4",
    ]  # fmt: skip


def test_columns_that_cannot_be_written_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store_of(_prepared(tmp_path)).folder
    shutil.rmtree(folder / COLUMNS)

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("fedasr.corpora.features.tabulate.tempfile.mkdtemp", refuse)
    with pytest.raises(UserError, match=r"cannot write the cache.*Permission denied"):
        open_speech(folder)


def test_who_is_overtaken_while_writing_columns_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store_of(_prepared(tmp_path)).folder
    shutil.rmtree(folder / COLUMNS)

    def be_overtaken(source: Path, target: Path) -> None:
        monkeypatch.undo()
        tabulate(folder)
        Path(source).replace(target)

    monkeypatch.setattr("fedasr.corpora.features.tabulate.os.replace", be_overtaken)
    tabulate(folder)
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [COLUMNS]
    assert open_speech(folder).id(5) == "speaker 4/5"


def test_objects_of_an_hour_of_speech_are_less_than_10_kb(tmp_path: Path) -> None:
    sizes = []
    for hours in (1, 11):
        folder = wide_corpus(tmp_path / str(hours), hours * AN_HOUR)
        tracemalloc.start()
        speech = open_speech(folder)
        parts = [speech.of_speakers(["speaker 1", "speaker 7"]), speech.untranscribed(), speech.at(slice(9, None))]
        sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert len(parts[1]) == hours * AN_HOUR
    assert (sizes[1] - sizes[0]) / 10 < 10_000


def test_a_placed_partition_holds_the_same_names_in_four_bytes_each(tmp_path: Path) -> None:
    speech = open_speech(wide_corpus(tmp_path / "wide", 2000))
    names = [speech.id(place) for place in range(2000)]
    silos = (tuple(names[1:900:2]), (), tuple(names[1500:1000:-1]))
    found = placed(Partition("iid", silos, ("speaker 1",), (), (), (), ((), (), ())), store_of(speech))
    assert [tuple(silo) for silo in found.silos] == list(silos)
    assert list(map(len, found.silos)) == [450, 0, 500]
    assert list(map(len, found.held_out)) == [0, 0, 0]
    assert found.silos[-1][3] == names[1497]
    assert isinstance(found.silos[0][2:4], PlacedNames)
    assert tuple(found.silos[0][2:4]) == (names[5], names[7])
    sent = pickle.dumps(found)
    assert len(sent) < 950 * 4 + 2000
    assert [tuple(silo) for silo in pickle.loads(sent).silos] == list(silos)


def test_rows_are_those_of_the_names_placed_or_not(tmp_path: Path) -> None:
    speech = open_speech(wide_corpus(tmp_path / "wide", 60))
    names = [speech.id(place) for place in range(60)]
    whole = Partition("iid", (tuple(names[1:9:2]), tuple(names[50:40:-1])), (), (), (), ())
    for silos in (whole.silos, placed(whole, store_of(speech)).silos):
        assert [rows_of(silo, speech.store).tolist() for silo in silos] == [[1, 3, 5, 7], list(range(50, 40, -1))]
        assert rows_of_all(silos, speech.store).tolist() == [1, 3, 5, 7, *range(41, 51)]
    with pytest.raises(KeyError, match="nobody"):
        rows_of(("nobody",), speech.store)
