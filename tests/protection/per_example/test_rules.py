import math
from collections.abc import Sequence

import pytest
import torch
from support.tolerance import rounding
from support.toy_recognisers import MELS, TOKENS, UNITS, features
from torch import Tensor, nn

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.protection.per_example.clipping import clipped_gradient_sum
from fedasr.protection.per_example.recording import can_record, recorded
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.supervised import Supervised
from fedasr.training.parameters import trained_parameters

FRAMES = (40, 310, 25, 9, 33, 1)
TARGETS = ((1, 2), (3, 4, 5), (2,), (), (1, 1, 1, 1, 1, 1), (3,))
"""Of the last three one says nothing, one needs more frames than there are for CTC, and one has a single frame."""
ENCODERS = (("lstm", "none"), ("bilstm", "none"), ("conformer", "rotary"), ("conformer", "none"))


def model_of(kind: str, positions: str, head: str = "ctc", subsampling: str = "stacked") -> Recogniser:
    torch.manual_seed(1)
    encoder = EncoderSpec(kind, 2, UNITS, 0.0, heads=2, kernel=5, positions=positions)
    return Recogniser(RecogniserSpec(FeatureSpec(mels=MELS), encoder, head, 0.3, 8, subsampling=subsampling), TOKENS)


def batch_of(model: Recogniser, numbers: Sequence[int] = range(len(FRAMES))) -> Batch:
    stacked, speech = model.spec.frames_stacked, features(*FRAMES)
    targets = [
        [1 + frame % 4 for frame in range(-(-FRAMES[n] // stacked) * bool(TARGETS[n]))]
        if model.spec.is_aligned else TARGETS[n]
        for n in numbers
    ]  # fmt: skip
    return make_batch([speech[n] for n in numbers], targets, stacked=stacked)


def by_example(model: Recogniser, batch: Batch) -> list[Tensor]:
    """Each example's gradient, flat, all computed together."""
    anchor, parameters = torch.zeros((), requires_grad=True), list(model.parameters())
    with recorded(model, parameters, anchor) as gradients:
        torch.autograd.grad(model.losses(batch).sum(), anchor, allow_unused=True)
    return list(torch.cat([gradients[parameter].flatten(1).double() for parameter in parameters], 1))


def alone(model: Recogniser, number: int) -> Tensor:
    gradient = batch_gradient(model, Supervised().losses, batch_of(model, [number]), None)[1]
    return torch.cat([part.flatten().double() for part in gradient])


def operations(model: Recogniser, number: int) -> float:
    """The roundings of a loss that is summed in logarithms: for each frame one of the size of the loss, in nats."""
    batch = batch_of(model, [number])
    nats = float(model.losses(batch).detach() * batch.target_lengths_B.clamp_min(1))
    return 16 + nats * int(batch.lengths_B)


@pytest.mark.parametrize("subsampling", ["stacked", "convolutional"])
@pytest.mark.parametrize("head", ["ctc", "transducer", "joint", "frames"])
@pytest.mark.parametrize(("kind", "positions"), ENCODERS)
def test_gradients_of_utterances_of_very_unlike_lengths(kind: str, positions: str, head: str, subsampling: str) -> None:
    """In float64 they are those of a loop; in float32 as near to them as the loop's are, but for the loss."""
    model = model_of(kind, positions, head, subsampling)
    assert can_record(model)
    single, looped = by_example(model, batch_of(model)), [alone(model, n) for n in range(len(FRAMES))]
    double = by_example(model.double(), batch_of(model))
    assert len(double) == len(FRAMES)
    for n, found in enumerate(double):
        expected = alone(model, n)
        size = float(expected.norm())
        assert float((found - expected).norm()) <= 1e-12 * size
        own = float((looped[n] - expected).norm())
        assert float((single[n] - expected).norm()) <= 4 * own + rounding(operations(model, n), size)


@pytest.mark.parametrize("positions", ["rotary", "none"])
@pytest.mark.parametrize("pattern", ["*.out_proj.bias", "*.in_proj_weight", "*.sequential.2.weight", "*.3.bias"])
def test_a_part_of_a_conformer_has_the_gradient_that_it_has_in_the_whole(positions: str, pattern: str) -> None:
    model = model_of("conformer", positions)
    batch, losses = batch_of(model), Supervised().losses
    whole = clipped_gradient_sum(model, losses, batch, math.inf, None).gradient
    part = clipped_gradient_sum(model, losses, batch, math.inf, None, (pattern,)).gradient
    names = list(trained_parameters(model, (pattern,)))
    by_name = dict(zip(dict(model.named_parameters()), whole, strict=True))
    assert 2 <= len(names) < len(by_name)
    for name, found in zip(names, part, strict=True):
        torch.testing.assert_close(found, by_name[name], rtol=1e-5, atol=1e-7)


class Wide(nn.Conv1d):
    """A kind of its own."""


@pytest.mark.parametrize(
    "layer", [nn.Conv1d(8, 8, 3, groups=8), nn.Conv2d(1, 1, 3), nn.MultiheadAttention(8, 2), Wide(8, 8, 1),
              nn.GroupNorm(1, 8), nn.GRU(8, 8)],
)  # fmt: skip
def test_layers_of_others_have_no_rule(layer: nn.Module) -> None:
    """They may look across the end of an utterance: such models are taken one example at a time."""
    model = model_of("conformer", "rotary")
    assert can_record(model)
    model.encoder.add_module("more", layer)
    assert not can_record(model)


def test_nothing_of_the_recording_is_left_behind() -> None:
    model = model_of("conformer", "rotary")
    before = model.losses(batch_of(model))
    by_example(model, batch_of(model))
    assert model.losses(batch_of(model)).equal(before)
    assert not any({"forward", "heard"} & vars(layer).keys() for layer in model.modules())
