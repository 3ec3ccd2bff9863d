from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.toy_speech import made_up, respoken, small_recogniser

from fedasr.common.errors import UserError
from fedasr.corpora.speech import Speech
from fedasr.engine.evaluation import scores_of, speaker_of

MODEL = small_recogniser()
SPEECH = made_up(6)


def _said_by(names: list[str]) -> Speech:
    """Return some speech, said by these; nobody is named where the name is empty."""
    part = SPEECH.at(range(len(names)))
    return respoken(part, [replace(u, speaker=n or u.id) for u, n in zip(part.utterances, names, strict=True)])


@given(st.lists(st.sampled_from(["ann", "bob", "cid", ""]), min_size=1, max_size=6))
def test_an_interval_is_there_where_everybody_is_named_and_two_are(names: list[str]) -> None:
    scores = scores_of(MODEL, _said_by(names))
    ends = scores["wer_low"], scores["wer_high"]
    if "" in names or len(set(names)) < 2:
        assert ends == (None, None)
    else:
        assert ends[0] <= scores["wer"] <= ends[1]
    assert [line["speaker"] or "" for line in scores["hypotheses"]] == names


def test_who_is_named_as_the_utterance_is_nobody() -> None:
    assert speaker_of(replace(SPEECH.utterances[0], id="a.wav", speaker="a.wav")) is None
    assert speaker_of(replace(SPEECH.utterances[0], id="a.wav", speaker="ann")) == "ann"


def test_no_speech_has_no_score() -> None:
    with pytest.raises(UserError, match="no speech"):
        scores_of(MODEL, SPEECH.at([]))
