"""The speech of an experiment: its own, and another corpus that is public."""

from pathlib import Path

import numpy as np
import pytest
from support.sound import manifest, record, row

from fedasr.common.errors import UserError
from fedasr.corpora.partition import divide
from fedasr.corpora.spec import CorpusSpec
from fedasr.engine.loading import load_speech, told_of_overlap, told_of_public
from fedasr.engine.watchers.watcher import Watcher


class Listener(Watcher):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)


def corpus(folder: Path, speakers: int, table: bool = False) -> Path:
    """Write a corpus whose speakers are numbers, as many corpora have them."""
    rows = [row(record(folder / f"{n}.wav", seed=n).name, speaker=str(n)) for n in range(speakers)]
    if not table:
        return manifest(folder, *rows)
    lines = ["\t".join(rows[0]), *("\t".join(map(str, each.values())) for each in rows)]
    (folder / "public.tsv").write_text("\n".join(lines))
    return folder / "public.tsv"


def spec(tmp_path: Path, table: bool = False, **changes: object) -> CorpusSpec:
    own, public = corpus(tmp_path / "own", 6), corpus(tmp_path / "other", 5, table)
    values = {
        "kind": "manifest",
        "path": str(own),
        "public": str(public),
        "development_speakers": 1,
        "test_speakers": 2,
    }
    return CorpusSpec(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("table", [False, True])
def test_all_speakers_of_another_corpus_are_public_and_none_of_them_meets_a_silo(tmp_path: Path, table: bool) -> None:
    wanted = spec(tmp_path, table)
    speech = load_speech(wanted, 0, Watcher())
    found = divide(speech.utterances, wanted, np.random.default_rng(0), speech.public)
    assert found.public_labelled == tuple(f"public/{n}" for n in range(5))
    assert {u.id for u in speech.public} == {f"public/{n}.wav" for n in range(5)}
    assert told_of_public(speech, found) == ""


def test_where_fewer_are_wanted_it_is_told_of_how_many(tmp_path: Path) -> None:
    wanted = spec(tmp_path, public_speakers=2)
    speech = load_speech(wanted, 0, Watcher())
    found = divide(speech.utterances, wanted, np.random.default_rng(0), speech.public)
    assert found.public_labelled == ("public/0", "public/1")
    assert told_of_public(speech, found).startswith("public: 2 of 5 speakers")


def test_a_corpus_has_eight_public_speakers_of_its_own_where_nobody_says_how_many(tmp_path: Path) -> None:
    wanted = spec(tmp_path, public="same", path=str(corpus(tmp_path / "more", 13)))
    speech = load_speech(wanted, 0, Watcher())
    assert len(divide(speech.utterances, wanted, np.random.default_rng(0)).public_labelled) == 8


def test_what_is_left_out_is_told_of_each_corpus(tmp_path: Path) -> None:
    wanted = spec(tmp_path, faulty="leave out")
    (tmp_path / "own" / "0.wav").unlink()
    (tmp_path / "other" / "1.wav").write_bytes(b"")
    listener = Listener()
    speech = load_speech(wanted, 0, listener)
    assert (len(speech.utterances), len(speech.public)) == (5, 4)
    assert listener.stages == [
        "corpus: 0.0 min, 5 speakers, 5 utterances; left out 1 (1 unusable audio)",
        "public: 0.0 min, 4 speakers, 4 utterances; left out 1 (1 unusable audio)",
    ]
    with pytest.raises(UserError, match=r"own/manifest\.jsonl:1: .*no such audio file"):
        load_speech(spec(tmp_path / "again", path=wanted.path), 0, Watcher())


def test_public_speech_that_is_a_silo_s_own_is_told(tmp_path: Path) -> None:
    wanted = spec(tmp_path)
    assert told_of_overlap(load_speech(wanted, 0, Watcher())) == ""
    folder = tmp_path / "mixed"
    folder.mkdir()
    both = manifest(folder, row("../other/0.wav"), row("../own/1.wav"), row("../own/2.wav", offset=0.1, duration=0.2))
    speech = load_speech(spec(tmp_path / "again", path=wanted.path, public=str(both)), 0, Watcher())
    assert told_of_overlap(speech).startswith("public: 1 of 3 utterances are audio of the corpus, too")
