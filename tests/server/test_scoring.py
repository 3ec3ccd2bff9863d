"""Scores of many utterances: what is heard, errors and losses, whoever computes them."""

from dataclasses import replace

import numpy as np
import pytest

from fedasr.asr.batch import make_batch
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.tokens import ENGLISH, CharacterTokens
from fedasr.engine.preparation import Prepared
from fedasr.grid.in_process import InProcess
from fedasr.server.scoring import Scorer, mean_loss


@pytest.fixture
def recogniser(prepared: Prepared) -> Recogniser:
    return Recogniser(prepared.recogniser_spec, prepared.tokens)


def test_each_utterance_is_heard_as_if_it_were_alone(prepared: Prepared, recogniser: Recogniser) -> None:
    scorer = Scorer(prepared.folder, prepared.recogniser_spec, prepared.tokens, InProcess())
    part = prepared.part("test")
    heard = scorer(recogniser.weights(), part, with_losses=True)
    assert [one.utterance for one in heard] == list(part.utterances)
    for index, one in enumerate(heard):
        batch = make_batch([part.features(index)], [prepared.tokens.encode(part.text(index))])
        assert one.hypothesis == recogniser.transcribe(batch)[0]
        assert one.loss == pytest.approx(float(recogniser.losses(batch)), rel=1e-4)
        assert one.errors.words == len(part.text(index).split())
    assert mean_loss(heard) == pytest.approx(np.mean([one.loss for one in heard if one.loss]))
    plain = scorer(recogniser.weights(), part)
    assert [(one.hypothesis, one.loss) for one in plain] == [(one.hypothesis, None) for one in heard]
    assert mean_loss(plain) is None


@pytest.mark.parametrize(("text", "has_unknown"), [("número", False), ("one two " * 90, True)])
def test_a_transcript_that_cannot_be_said_has_errors_and_no_loss(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, text: str, has_unknown: bool
) -> None:
    """Tokens of before have none for some characters; others are more than there are frames."""
    tokens = CharacterTokens(ENGLISH, has_unknown)
    recogniser = Recogniser(prepared.recogniser_spec, tokens)
    part = prepared.part("test")
    odd = replace(part, utterances=(replace(part.utterances[0], text=text), *part.utterances[1:]))
    monkeypatch.setattr("fedasr.server.scoring.opened_speech", lambda folder: odd)
    monkeypatch.setattr("fedasr.server.scoring._places", lambda folder: {u.id: i for i, u in enumerate(odd.utterances)})
    scorer = Scorer(prepared.folder, prepared.recogniser_spec, tokens, InProcess())
    first, *others = scorer(recogniser.weights(), odd, with_losses=True)
    assert first.loss is None
    assert first.errors.words == len(text.split())
    assert all(one.loss is not None for one in others)
    assert mean_loss([first]) is None
    assert mean_loss([first, *others]) == mean_loss(others)
