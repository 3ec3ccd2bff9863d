from pathlib import Path

import pytest

pytest.importorskip("espeakng_loader", reason="synthetic speech needs the extra 'synth'")

from support.sound import utterance

from fedasr.common.errors import UserError
from fedasr.corpora.synthetic import synthetic_corpus
from fedasr.engine.aligning import unalignable_speech
from fedasr.engine.pronouncing import learnt_phones, more_pronunciations, read_dictionary
from fedasr.experiment.experiment import Experiment

TABLE = {"name": "phones", "model": {"tokens": "phones", "head": "frames"}}
CMU = ";;; a comment\nYES  Y EH1 S\nYES(2)  Y AE1 S\nNO  N OW1\n"


def _experiment(tmp_path: Path, dictionary: str = "", **model: str) -> Experiment:
    table = {**TABLE, "model": {**TABLE["model"], **model}}
    if dictionary:
        (tmp_path / "words.dict").write_text(dictionary, encoding="utf-8")
        table["decoding"] = {"pronunciations": str(tmp_path / "words.dict")}
    return Experiment.from_table(table)


def test_synthetic_words_are_said_as_each_accent_says_them(tmp_path: Path) -> None:
    spoken = synthetic_corpus(speakers=8, utterances_per_speaker=8, grammar="digits", seed=1)
    tokens = learnt_phones(_experiment(tmp_path), spoken)
    assert tokens.aligned_by == "espeak"
    assert {word for word, _ in tokens.dictionary} == {word for u in spoken for word in u.text.split()}
    ways = {said for word, said in tokens.dictionary if word == "nine"}
    assert {"n aɪ n", "n ɔɪ n"} <= ways  # the west midlands say another


def test_other_words_are_said_one_by_one(tmp_path: Path) -> None:
    tokens = learnt_phones(_experiment(tmp_path, head="ctc"), [utterance(1, text="yes no")])
    assert not tokens.aligned_by
    assert tokens.dictionary == (("no", "n oʊ"), ("yes", "j ɛ s"))
    more = more_pronunciations(_experiment(tmp_path), ["yes", "oh", "eyes"], tokens)
    assert more == [("oh", ("oʊ",))]  # "eyes" has a phone that nobody learns


def test_a_dictionary_says_how(tmp_path: Path) -> None:
    experiment = _experiment(tmp_path, CMU, head="ctc")
    tokens = learnt_phones(experiment, [utterance(1, text="yes")])
    assert tokens.dictionary == (("yes", "Y AE S"), ("yes", "Y EH S"))
    assert read_dictionary(experiment)[-1] == ("no", ("N", "OW"))
    with pytest.raises(UserError, match="'maybe'; add them"):
        learnt_phones(experiment, [utterance(1, text="yes maybe")])


@pytest.mark.parametrize(("content", "told"), [("YES\n", "words.dict:1: 'YES' has no phones"), (None, "not readable")])
def test_a_dictionary_that_is_none_is_refused(tmp_path: Path, content: str | None, told: str) -> None:
    experiment = _experiment(tmp_path, content or CMU, head="ctc")
    if content is None:
        (tmp_path / "words.dict").unlink()
    with pytest.raises(UserError, match=told):
        learnt_phones(experiment, [utterance(1)])


def test_phones_that_the_synthesiser_reports_are_in_no_dictionary(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"leave it out, or set model\.alignments"):
        learnt_phones(_experiment(tmp_path, CMU), [utterance(1, text="yes")])


def test_speech_that_nobody_aligned_is_refused_in_a_line(tmp_path: Path) -> None:
    model = _experiment(tmp_path).model
    assert "'ann/1' is other speech" in (unalignable_speech(model, [utterance(1)]) or "")
    assert unalignable_speech(model, synthetic_corpus(speakers=1, utterances_per_speaker=1)) is None


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"model": {"head": "frames"}}, "set 'model.tokens' = 'phones'"),
        ({"decoding": {"pronunciations": "words.dict"}}, "takes no effect; it goes with 'model.tokens' = 'phones'"),
    ],
)
def test_settings_that_cannot_be_are_refused(table: dict, told: str) -> None:
    with pytest.raises(UserError, match=told):
        Experiment.from_table({"name": "wrong", **table})
