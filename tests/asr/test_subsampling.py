"""Subsampling: one encoding a stack, whatever the encoder, and none that depends on its padding."""

import json
from dataclasses import asdict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.draws import examples
from support.learning import assert_learns
from support.tolerance import assert_rounded
from support.toy_recognisers import MELS, TOKENS, UNITS, features, recogniser
from torch import Tensor, nn

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.decoding.greedy import transcribe_all
from fedasr.asr.encoders.encoder import ENCODERS
from fedasr.asr.features import stacked_length
from fedasr.asr.recogniser import Recogniser, spec_from_json
from fedasr.asr.subsampling import CHANNELS, SUBSAMPLINGS, Convolutional
from fedasr.protection.per_example.clipping import clipped_gradient_sum
from fedasr.training.objectives.supervised import Supervised

ENCODED = sorted(ENCODERS.known())
HEADS = ["ctc", "transducer", "joint"]
LONGEST = 120
INPUTS = CHANNELS * MELS // 4
THERE_AND_BACK = 2 * (9 * (1 + CHANNELS) + 2 * LONGEST // 4 * (INPUTS + 2 * UNITS))
"""Operations in a row: two convolutions, two layers whose sums run over inputs and units in each frame; twice."""


def _batch(frames: list[int], texts: tuple[str, ...] = (), stacked: int = 4) -> Batch:
    return make_batch(features(*frames), [TOKENS.encode(text) for text in texts], stacked=stacked)


@torch.no_grad()
def _encodings(model: Recogniser, batch: Batch) -> list[Tensor]:
    encoded_BTF = model.encode(batch.features_BTF, batch.lengths_B)
    return [row[:length] for row, length in zip(encoded_BTF, batch.lengths_B, strict=True)]


def _assert_same(found: Tensor, expected: Tensor) -> None:
    assert_rounded(found, expected, THERE_AND_BACK)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("kind", ENCODED)
@given(frames=st.lists(st.integers(1, 40), min_size=1, max_size=3))
@examples(15)
def test_an_utterance_has_as_many_encodings_as_stacks(kind: str, subsampling: str, frames: list[int]) -> None:
    model = recogniser(kind, subsampling=subsampling)
    stacked = model.spec.frames_stacked
    batch = _batch(frames, stacked=stacked)
    lengths = [stacked_length(length, stacked) for length in frames]
    assert stacked == {"stacked": 3, "convolutional": 4}[subsampling]
    assert lengths == [-(-length // stacked) for length in frames] == batch.lengths_B.tolist()
    assert model.encode(batch.features_BTF, batch.lengths_B).shape == (len(frames), max(lengths), model.encoder.outputs)


@given(frames=st.integers(1, 50), mels=st.integers(8, 20))
@examples(20)
def test_two_plain_convolutions_over_the_frames_are_what_comes_out(frames: int, mels: int) -> None:
    torch.manual_seed(0)
    subsampling, x_TM = Convolutional(mels), torch.randn(frames, mels)
    batch = make_batch([x_TM.numpy()], stacked=4)
    first, second = subsampling.convolutions
    whole_TM = nn.functional.pad(x_TM, (0, 0, 0, -frames % 4))
    expected_CTM = second(first(whole_TM[None]).relu()).relu()
    found_BTF = subsampling(batch.features_BTF)
    assert found_BTF.shape == (1, -(-frames // 4), subsampling.outputs)
    assert subsampling.outputs == CHANNELS * expected_CTM.shape[2]
    assert_rounded(found_BTF[0], expected_CTM.transpose(0, 1).flatten(1), 9 * (1 + CHANNELS))


def test_a_frame_sees_its_own_stack_and_three_frames_before_it() -> None:
    torch.manual_seed(0)
    subsampling, frames = Convolutional(MELS), 40
    x_BTF = torch.randn(1, frames // 4, 4 * MELS, requires_grad=True)
    found_BTF = subsampling(x_BTF)
    for place in range(frames // 4):
        (slope_BTF,) = torch.autograd.grad(found_BTF[0, place].sum(), x_BTF, retain_graph=True)
        seen_T = slope_BTF.reshape(frames, MELS).abs().sum(1).nonzero()[:, 0].tolist()
        assert seen_T == list(range(max(4 * place - 3, 0), 4 * place + 4))


@pytest.mark.parametrize("kind", ENCODED)
@given(frames=st.lists(st.integers(1, 90), min_size=2, max_size=4), filling=st.sampled_from([0.0, 100.0, torch.nan]))
@examples(25)
def test_an_encoding_depends_neither_on_its_padding_nor_on_companions(
    kind: str, frames: list[int], filling: float
) -> None:
    model, batch = recogniser(kind, subsampling="convolutional"), _batch(frames)
    for row, length in enumerate(batch.lengths_B):
        batch.features_BTF[row, length:] = filling
    for row, found in enumerate(_encodings(model, batch)):
        alone = make_batch([features(*frames)[row]], stacked=4)
        _assert_same(found, _encodings(model, alone)[0])


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", ENCODED)
def test_losses_gradients_and_clipped_sums_are_those_of_each_utterance_alone(kind: str, head: str) -> None:
    model, speech = recogniser(kind, head, subsampling="convolutional"), features(90, 45, 30, LONGEST)
    parameters, tokens = list(model.parameters()), [TOKENS.encode(text) for text in ("ab c", "de", "a", "")]
    batch = make_batch(speech, tokens, stacked=4)
    losses, gradients = model.losses(batch), []
    for row in range(4):
        alone = model.losses(make_batch(speech[row : row + 1], tokens[row : row + 1], stacked=4))
        _assert_same(losses[row], alone[0])
        gradients.append(torch.autograd.grad(alone[0], parameters))
        together = torch.autograd.grad(losses[row], parameters, retain_graph=True)
        for found, expected in zip(together, gradients[row], strict=True):
            _assert_same(found, expected)
    clipped = clipped_gradient_sum(model, Supervised().losses, batch, 0.5, None).gradient
    norms = [float(torch.cat([part.flatten() for part in gradient]).norm()) for gradient in gradients]
    for number, found in enumerate(clipped):
        scaled = [gradient[number] * min(1.0, 0.5 / n) for gradient, n in zip(gradients, norms, strict=True)]
        _assert_same(found, sum(scaled, torch.zeros(())))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", ENCODED)
def test_every_kind_learns_and_writes(kind: str, head: str) -> None:
    model, batch = recogniser(kind, head, subsampling="convolutional"), _batch([40, 31], ("ab c", "de"))
    assert_learns(model, batch)
    speech = features(40, 31)
    assert transcribe_all(model, speech.__getitem__, [40, 31]) == model.transcribe(batch)


def test_a_specification_remembers_it_and_one_that_names_none_is_stacked() -> None:
    spec = recogniser("conformer", subsampling="convolutional").spec
    told = json.loads(json.dumps(asdict(spec)))
    assert spec_from_json(told) == spec
    del told["subsampling"]
    assert spec_from_json(told).subsampling == "stacked"
    assert not [name for name, _ in recogniser().named_parameters() if "subsampling" in name]
