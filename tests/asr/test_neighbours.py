"""What a recogniser makes of an utterance does not depend on what shares its batch: encodings, scores, gradients."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.draws import examples
from support.toy_recognisers import TOKENS, features, recogniser
from torch import Tensor

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.decoding.nbest import nbest
from fedasr.asr.decoding.prefix import prefix_scorer
from fedasr.asr.encoders.encoder import ENCODERS, EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.recogniser import Recogniser, RecogniserSpec

KINDS = ["lstm", "bilstm", "conformer"]
HEADS = ["ctc", "transducer", "joint"]
CHANGE = 1e-4
"""No score changes by more, in float32; what is added up in another order changes by less."""

lengths = st.lists(st.integers(1, 90), min_size=1, max_size=5)
"""Frames of 10 ms of the utterances of a batch."""


def _usual(kind: str) -> Recogniser:
    """A recogniser of a usual width, whose convolutions see 15 frames."""
    torch.manual_seed(0)
    spec = RecogniserSpec(FeatureSpec(mels=8), EncoderSpec(kind, 3, 64, 0.0, 4, 15), "ctc")
    return Recogniser(spec, TOKENS)


def _batch(frames: Sequence[int], rows: Sequence[int]) -> Batch:
    """Some of the utterances of so many frames, in this order; each says something of its own."""
    speech, texts = features(*frames), ["ab c", "de", "a", "cab", "eb d"]
    return make_batch([speech[row] for row in rows], [TOKENS.encode(texts[row]) for row in rows])


@torch.no_grad()
def _encodings(model: Recogniser, batch: Batch) -> list[Tensor]:
    encoded_BTF = model.encoder(batch.features_BTF, batch.lengths_B, None)
    return [row[:length] for row, length in zip(encoded_BTF, batch.lengths_B, strict=True)]


def _assert_same(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=CHANGE, rtol=0.0)


def test_every_encoder_is_held_to_it() -> None:
    assert set(KINDS) == set(ENCODERS.known())


@pytest.mark.parametrize("kind", KINDS)
@given(frames=lengths, data=st.data())
@examples(30)
def test_an_encoding_does_not_depend_on_any_companion(kind: str, frames: list[int], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(frames))))
    model = _usual(kind)
    for row, found in zip(order, _encodings(model, _batch(frames, order)), strict=True):
        _assert_same(found, _encodings(model, _batch(frames, [row]))[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("companion", [303, 900, 3000])
def test_nor_on_a_long_one(kind: str, companion: int) -> None:
    model, frames = _usual(kind), (300, companion)
    _assert_same(_encodings(model, _batch(frames, [0, 1]))[0], _encodings(model, _batch(frames, [0]))[0])


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", KINDS)
def test_losses_and_their_gradients_are_those_of_each_utterance_alone(kind: str, head: str) -> None:
    model, frames = recogniser(kind, head), (90, 45, 30, 200)
    parameters = list(model.parameters())
    losses = model.losses(_batch(frames, range(4)))
    for row in range(4):
        alone = model.losses(_batch(frames, [row]))
        _assert_same(losses[row], alone[0])
        pairs = (torch.autograd.grad(loss, parameters, retain_graph=True) for loss in (losses[row], alone[0]))
        for found, expected in zip(*pairs, strict=True):
            _assert_same(found, expected)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", KINDS)
def test_prefixes_score_as_alone(kind: str, head: str) -> None:
    model, frames = recogniser(kind, head), (90, 20, 200)
    batches = [_batch(frames, range(3)), *(_batch(frames, [row]) for row in range(3))]
    together, *alone = (prefix_scorer(model, batch.features_BTF, batch.lengths_B) for batch in batches)
    for labels in ((2, 3, 2), (2, 1, 4), (5, 1, 1)):
        for row, scorer in enumerate(alone):
            _assert_same(together.joint_log_probabilities()[row], scorer.joint_log_probabilities()[0])
            scorer.append(torch.tensor(labels[row : row + 1]))
        together.append(torch.tensor(labels))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", KINDS)
def test_beams_find_what_they_find_alone(kind: str, head: str) -> None:
    model, frames = recogniser(kind, head), (90, 20, 200)
    batches = [_batch(frames, range(3)), *(_batch(frames, [row]) for row in range(3))]
    together, *alone = (nbest(model, b.features_BTF, b.lengths_B, 3, 4, most_labels=4) for b in batches)
    for found, (expected,) in zip(together, alone, strict=True):
        assert [one.labels for one in found] == [one.labels for one in expected]
        assert [one.log_probability for one in found] == pytest.approx(
            [one.log_probability for one in expected], abs=CHANGE
        )


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", KINDS)
def test_greedy_decoding_hears_what_it_hears_alone(kind: str, head: str) -> None:
    model, frames = recogniser(kind, head), np.random.default_rng(0).integers(3, 120, 24).tolist()
    with torch.no_grad():  # so that it hears something
        for part in model.head.parts().values():
            part.output.weight.mul_(8.0)
    speech = features(*frames)
    heard = model.transcribe(make_batch(speech))
    assert heard == [model.transcribe(make_batch([one]))[0] for one in speech]
    assert len(set(heard)) > 12
