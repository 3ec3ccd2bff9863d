import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.draws import examples
from support.examples import THERE_AND_BACK, alone, assert_close, batch_of, norm
from support.tolerance import rounding
from support.toy_recognisers import features, recogniser
from torch import nn

from fedasr.asr.batch import make_batch
from fedasr.asr.encoders.encoder import ENCODERS
from fedasr.common.errors import UserError
from fedasr.protection.per_example.clipping import clipped_gradient_sum
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.supervised import Supervised
from fedasr.training.parameters import trained_parameters

HEADS = ("ctc", "transducer", "joint")


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", sorted(ENCODERS.known()))
def test_gradients_are_those_of_each_utterance_alone(kind: str, head: str) -> None:
    model = recogniser(kind, head)
    gradients = [alone(model, n) for n in range(4)]
    norms = [norm(gradient) for gradient in gradients]
    for clip in (min(norms) / 2, sorted(norms)[1] * 1.001, math.inf):
        found = clipped_gradient_sum(model, Supervised().losses, batch_of(), clip, None)
        assert found.norms_B.tolist() == pytest.approx(norms, rel=rounding(THERE_AND_BACK))
        scales = [min(1.0, clip / length) for length in norms]
        parts = zip(*gradients, strict=True)
        assert_close(found.gradient, [sum(s * g for s, g in zip(scales, p, strict=True)) for p in parts])
        assert norm(found.gradient) <= 4 * clip


@given(
    st.sampled_from(sorted(ENCODERS.known())), st.sampled_from(HEADS), st.sampled_from(range(4)),
    st.floats(0.01, 100.0), st.integers(1, 4),
)  # fmt: skip
@examples(40)
def test_one_utterance_more_changes_the_sum_by_its_clipped_gradient(
    kind: str, head: str, more: int, clip: float, most_at_once: int
) -> None:
    model, others = recogniser(kind, head), [n for n in range(4) if n != more]
    sums = [
        clipped_gradient_sum(
            model, Supervised().losses, batch_of(numbers), clip, None, most_at_once=most_at_once
        ).gradient
        for numbers in (others, [*others, more], [more])
    ]
    change = [after - before for before, after in zip(sums[0], sums[1], strict=True)]
    within = rounding(THERE_AND_BACK, norm(sums[0]) + clip)
    assert norm(change) <= clip + within
    assert norm([a - b for a, b in zip(change, sums[2], strict=True)]) <= within


@pytest.mark.parametrize("kind", ["lstm", "bilstm"])
def test_without_clipping_it_is_the_plain_gradient_even_under_dropout(kind: str) -> None:
    model, batch = recogniser(kind, "joint", dropout=0.3), batch_of()
    masks = [torch.Generator().manual_seed(5) for _ in range(2)]
    loss, plain = batch_gradient(model, Supervised().losses, batch, masks[0])
    found = clipped_gradient_sum(model, Supervised().losses, batch, math.inf, masks[1])
    assert_close(found.gradient, [4 * part for part in plain])
    assert found.loss == pytest.approx(loss, rel=rounding(THERE_AND_BACK))


@pytest.mark.parametrize("kind", sorted(ENCODERS.known()))
def test_the_padding_is_not_seen(kind: str) -> None:
    model, batch, other = recogniser(kind, "joint"), batch_of(), batch_of()
    for row, length in enumerate(other.lengths_B):
        other.features_BTF[row, length:] = 1e3
    before, after = (clipped_gradient_sum(model, Supervised().losses, b, 1.0, None) for b in (batch, other))
    assert_close(after.gradient, before.gradient)


@pytest.mark.parametrize("kind", ["bilstm", "conformer"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_utterance_without_a_finite_gradient_counts_zero(kind: str, bad: float) -> None:
    model, batch = recogniser(kind, "transducer"), batch_of()
    batch.features_BTF[1, 3, 2] = bad
    found = clipped_gradient_sum(model, Supervised().losses, batch, 0.5, None)
    others = clipped_gradient_sum(model, Supervised().losses, batch_of([0, 2, 3]), 0.5, None)
    assert found.left_out == 1
    assert found.norms_B.isfinite().tolist() == [True, False, True, True]
    assert_close(found.gradient, others.gradient)
    assert math.isfinite(found.loss)


def test_clip_norm_zero_gives_zero_and_no_number_is_refused() -> None:
    model = recogniser()
    assert norm(clipped_gradient_sum(model, Supervised().losses, batch_of(), 0.0, None).gradient) == 0
    for clip in (math.nan, -1.0):
        with pytest.raises(UserError, match="clip_norm"):
            clipped_gradient_sum(model, Supervised().losses, batch_of(), clip, None)


@pytest.mark.parametrize("kind", ["bilstm", "conformer"])
def test_only_the_layers_that_are_named_have_gradients(kind: str) -> None:
    model, patterns = recogniser(kind, "joint"), ("ctc.*", "transducer.predictor.weight_hh_l0", "*norm*.weight")
    names = list(trained_parameters(model, patterns))
    found = clipped_gradient_sum(model, Supervised().losses, batch_of(), math.inf, None, patterns)
    whole = clipped_gradient_sum(model, Supervised().losses, batch_of(), math.inf, None)
    by_name = dict(zip(dict(model.named_parameters()), whole.gradient, strict=True))
    assert 4 <= len(names) < len(by_name)
    assert_close(found.gradient, [by_name[name] for name in names])


def test_batch_norm_is_refused() -> None:
    model = recogniser("conformer")
    model.encoder.conformer.conformer_layers[0].conv_module.sequential[3] = nn.BatchNorm1d(8)
    with pytest.raises(UserError, match="batch norm"):
        clipped_gradient_sum(model, Supervised().losses, batch_of(), 1.0, None)


def test_plain_training_is_left_as_it_was_to_the_bit() -> None:
    model, batch = recogniser("bilstm", "joint"), batch_of()
    before = batch_gradient(model, Supervised().losses, batch, None)
    clipped_gradient_sum(model, Supervised().losses, batch, 1.0, None)

    def broken(*_: object) -> torch.Tensor:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        clipped_gradient_sum(model, broken, batch, 1.0, None)
    after = batch_gradient(model, Supervised().losses, batch, None)
    assert after[0] == before[0]
    assert all(a.equal(b) for a, b in zip(after[1], before[1], strict=True))
    assert not any("forward" in vars(layer) for layer in model.modules())


def test_an_objective_that_hides_gradients_is_refused() -> None:
    model = recogniser()

    def penalised(model, batch, generator):
        return Supervised().losses(model, batch, generator) + model.ctc.output.weight.square().sum()

    def mean(model, batch, generator):
        return Supervised().losses(model, batch, generator).mean()

    with pytest.raises(ValueError, match="through their layers"):
        clipped_gradient_sum(model, penalised, batch_of(), 1.0, None)
    with pytest.raises(ValueError, match="one loss an utterance"):
        clipped_gradient_sum(model, mean, batch_of(), 1.0, None)


def test_a_layer_called_twice_has_both_gradients() -> None:
    model, batch = recogniser("lstm"), batch_of()

    def twice(model, batch, generator):
        return Supervised().losses(model, batch, generator) + model.ctc.output(
            model.encoder(batch.features_BTF, None, None)
        )[:, 0].square().sum(1)

    expected = torch.autograd.grad(twice(model, batch, None).sum(), list(model.parameters()))
    assert_close(clipped_gradient_sum(model, twice, batch, math.inf, None).gradient, expected)


def test_an_utterance_without_words() -> None:
    model, batch = recogniser("bilstm", "joint"), make_batch(features(20, 31), [(), ()])
    _, plain = batch_gradient(model, Supervised().losses, batch, None)
    found = clipped_gradient_sum(model, Supervised().losses, batch, math.inf, None)
    assert_close(found.gradient, [2 * part for part in plain])
