"""A corpus' own test and development sets, by whatever name the corpus has for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.running import tiny_table
from support.sound import manifest, record, row

from fedasr.common.errors import UserError
from fedasr.corpora.load import read_corpus
from fedasr.corpora.partition import divide
from fedasr.corpora.scored_sets import check_apart, is_subset, read_set
from fedasr.corpora.spec import CorpusSpec
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.paths import absolute


def manifest_of(folder: Path, *speakers: str, file: str = "a") -> Path:
    """Write a manifest of an utterance of each speaker."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row(record(folder / f"{file}{n}.wav", seed=n).name, speaker=who) for n, who in enumerate(speakers)]
    return manifest(folder, *rows)


def librispeech(folder: Path) -> Path:
    for subset, speaker in (("train-clean-5", "19"), ("test-clean", "61")):
        chapter = folder / "LibriSpeech" / subset / speaker / "7"
        record(chapter / f"{speaker}-7-0000.flac")
        (chapter / f"{speaker}-7.trans.txt").write_text(f"{speaker}-7-0000 HE HOPED\n")
    return folder


def common_voice(folder: Path) -> Path:
    for table, who in (("train", "ann"), ("test", "bob")):
        record(folder / "clips" / f"{who}.wav")
        (folder / f"{table}.tsv").write_text(f"client_id\tpath\tsentence\n{who}\t{who}.wav\tYes.\n")
    return folder


def speech_commands(folder: Path) -> Path:
    for who in ("aa", "bb", "cc"):
        record(folder / "yes" / f"{who}_nohash_0.wav")
    (folder / "validation_list.txt").write_text("yes/bb_nohash_0.wav\n")
    (folder / "testing_list.txt").write_text("yes/cc_nohash_0.wav\n")
    return folder


def kaldi(folder: Path) -> Path:
    for part, who in (("train", "ann"), ("test_clean", "bob")):
        record(folder / part / "a.wav")
        for file, text in (("wav.scp", f"{who}-1 {folder / part / 'a.wav'}"), ("text", f"{who}-1 yes"),
                           ("utt2spk", f"{who}-1 {who}")):  # fmt: skip
            (folder / part / file).write_text(text + "\n")
    return folder


Writer = Callable[[Path], Path]


@pytest.mark.parametrize(
    ("kind", "write", "own", "test", "speakers"),
    [
        ("librispeech", librispeech, "train-clean-5", "test-clean", ["61"]),
        ("librispeech", librispeech, "train-clean-5", "{}/LibriSpeech/test-clean", ["61"]),
        ("common-voice", common_voice, "train", "test", ["bob"]),
        ("common-voice", common_voice, "train", "test.tsv", ["bob"]),
        ("speech-commands", speech_commands, "training", "testing", ["cc"]),
        ("speech-commands", speech_commands, "training", "testing_list.txt", ["cc"]),
        ("speech-commands", speech_commands, "training", "validation_list.txt", ["bb"]),
        ("kaldi", kaldi, "train", "test_clean", ["bob"]),
        ("kaldi", kaldi, "train", "{}/test_clean", ["bob"]),
    ],
)
def test_a_set_has_the_corpus_own_name_or_a_path(
    kind: str, write: Writer, own: str, test: str, speakers: list[str], tmp_path: Path
) -> None:
    spec = CorpusSpec(kind=kind, path=str(write(tmp_path)), subset=own, test=test.format(tmp_path))
    found = read_set(spec, "test").utterances
    assert [u.speaker for u in found] == speakers
    assert all(u.id.startswith("test/") for u in found)
    trained_on = read_corpus(kind, tmp_path, subset=own).utterances
    check_apart({"the corpus": trained_on}, {"test": found})
    assert not {u.id for u in found} & {u.id for u in trained_on}


@pytest.mark.parametrize("kind", ["manifest", "librispeech", "synthetic"])
@pytest.mark.parametrize("name", ["", "manifest.jsonl"])
def test_a_manifest_and_its_folder_are_read_whatever_the_corpus_is(kind: str, name: str, tmp_path: Path) -> None:
    manifest_of(tmp_path / "set", "ann", "bob")
    spec = CorpusSpec(kind=kind, development=str(tmp_path / "set" / name))
    assert {u.speaker for u in read_set(spec, "development").utterances} == {"ann", "bob"}


def test_a_plain_name_is_a_path_where_the_kind_has_no_subsets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not is_subset(CorpusSpec(kind="manifest"), "test")
    assert is_subset(CorpusSpec(kind="common-voice"), "test")
    assert not is_subset(CorpusSpec(kind="common-voice"), "./test")
    for kind, kept in (("manifest", str(tmp_path / "test")), ("librispeech", "test")):
        corpus = {"kind": kind, "path": "here", "test": "test", "test_speakers": 0}
        table = tiny_table()
        table["corpus"] = corpus
        assert absolute(Experiment.from_table(table)).corpus.test == kept


def test_who_is_elsewhere_too_is_named(tmp_path: Path) -> None:
    def of(name: str, *speakers: str) -> tuple[object, ...]:
        return read_corpus("manifest", manifest_of(tmp_path / name, *speakers)).utterances

    own, public = of("own", *"abcdefgh"), of("public", "x", "y")
    check_apart({"the corpus": own, "corpus.public": public}, {"test": of("test", "t"), "development": of("dev", "u")})
    with pytest.raises(UserError) as refused:
        check_apart(
            {"the corpus": own, "corpus.public": public},
            {"test": of("test", *"abcdefg", "t"), "development": of("dev", "x", "u")},
        )
    told = [line.split(";")[0] for line in refused.value.lines]
    assert told == [
        "corpus.test: its speakers a, b, c, d, e and 2 more are in the corpus, too",
        "corpus.development: its speakers x are in corpus.public, too",
    ]
    with pytest.raises(UserError, match=r"^corpus\.development: its speakers t are in corpus\.test, too; .*$"):
        check_apart({"the corpus": own}, {"test": of("more", "t"), "development": of("others", "t")})


def test_audio_that_is_elsewhere_too_is_refused_whatever_the_speaker_is_called(tmp_path: Path) -> None:
    own = read_corpus("manifest", manifest_of(tmp_path, "a", "b")).utterances
    (tmp_path / "set").mkdir()
    other = manifest(tmp_path / "set", row("../a0.wav", speaker="renamed"))
    with pytest.raises(UserError, match=r"corpus\.test: 1 of its 1 utterances are audio of the corpus, too"):
        check_apart({"the corpus": own}, {"test": read_corpus("manifest", other).utterances})


def test_speakers_of_the_corpus_are_drawn_for_a_part_that_lies_nowhere_else(tmp_path: Path) -> None:
    own = read_corpus("manifest", manifest_of(tmp_path / "own", *(str(n) for n in range(30)))).utterances
    given = read_corpus("manifest", manifest_of(tmp_path / "set", "t", "s")).utterances
    spec = CorpusSpec(kind="manifest", path="own", test="set")
    found = divide(own, spec, np.random.default_rng(0), given={"test": given})
    assert found.test == ("s", "t")
    assert len(found.development) == 4
    assert len(found.silos) == 30 - 8 - 4
    usual = divide(own, CorpusSpec(kind="manifest", path="own"), np.random.default_rng(0))
    assert len(usual.test) == 8


def test_speakers_are_not_drawn_where_a_set_takes_their_place(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'corpus\.test_speakers' is 2, and 'corpus\.test' names other speakers"):
        Experiment.from_table(tiny_table(corpus={"test": "set"}))


@pytest.mark.parametrize(
    ("kind", "test", "told"),
    [
        ("librispeech", "test-claen", r"corpus\.test: .* has no subset 'test-claen'; did you mean 'test-clean'"),
        ("librispeech", "./nowhere", r"nowhere: no such file or folder; corpus\.test must name a set"),
        ("manifest", "nowhere.jsonl", r"nowhere\.jsonl: no such file or folder; corpus\.test must name a set"),
    ],
)
def test_a_set_that_is_not_there_is_told_of_its_key(kind: str, test: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=told):
        read_set(CorpusSpec(kind=kind, path=str(librispeech(tmp_path)), test=test), "test")
