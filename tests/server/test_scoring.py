"""Scores of many utterances: what is heard, errors and losses, whoever computes them."""

import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.toy_speech import respoken

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.decoder import learnt
from fedasr.asr.decoding.decoding_spec import DecodingSpec
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.tokens import ENGLISH, CharacterTokens
from fedasr.engine.preparation import Prepared
from fedasr.grid.in_process import InProcess
from fedasr.grid.workers import MapFunction
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
    odd = respoken(part, [replace(part.utterances[0], text=text), *part.utterances[1:]])
    monkeypatch.setattr("fedasr.server.scoring.opened_speech", lambda folder: odd)
    scorer = Scorer(prepared.folder, prepared.recogniser_spec, tokens, InProcess())
    first, *others = scorer(recogniser.weights(), odd, with_losses=True)
    assert first.loss is None
    assert first.errors.words == len(text.split())
    assert all(one.loss is not None for one in others)
    assert mean_loss([first]) is None
    assert mean_loss([first, *others]) == mean_loss(others)


class _OneByOne(InProcess):
    """Workers that each take one batch, the last first, and are sent everything anew."""

    def map(self, function: MapFunction, shared: Any, items: Sequence[Any]) -> list[Any]:
        sent = pickle.dumps((function, shared))
        found = {}
        for place in reversed(range(len(items))):
            work, own = pickle.loads(sent)
            (found[place],) = work(own, [items[place]])
        return [found[place] for place in range(len(items))]


@pytest.mark.parametrize("head", ["ctc", "transducer"])
def test_what_is_decoded_depends_neither_on_the_batch_nor_on_the_workers(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    torch.manual_seed(3)
    spec = replace(prepared.recogniser_spec, head=head)
    weights = Recogniser(spec, prepared.tokens).weights()
    part = prepared.part("test")
    decoder = learnt(DecodingSpec("lexicon", beam=6), ["one two", "three", "four five six", "nine"])
    heard = Scorer(prepared.folder, spec, prepared.tokens, InProcess(), decoder)(weights, part, decode=True)
    assert all(one.decoded_errors is not None and one.decoded is not None for one in heard)
    other = Scorer(prepared.folder, spec, prepared.tokens, _OneByOne(), decoder)
    assert other(weights, part, decode=True) == heard
    assert [one.decoded for one in other(weights, part)] == [None] * len(heard)
    lists = [[text.rank(decoder.balance) for text in texts] for texts in other.texts(weights, part)]
    assert all(ranks == sorted(ranks) and ranks for ranks in lists)
    monkeypatch.setattr("fedasr.asr.decoding.greedy.BATCH", 1)
    alone = other(weights, part, decode=True)
    assert [one.decoded for one in alone] == [one.decoded for one in heard]
