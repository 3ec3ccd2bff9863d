import math

import pytest
import torch
from support.devices import DEVICES, ELSEWHERE
from support.tolerance import assert_rounded, of_a_mean
from support.toy_recognisers import features, operations, recogniser

from fedasr.asr.batch import make_batch
from fedasr.asr.layers import ReverseWithinLength, dropout


@pytest.mark.parametrize("kind", ["lstm", "bilstm"])
@pytest.mark.parametrize("head", ["ctc", "transducer"])
def test_padding_changes_nothing(kind: str, head: str) -> None:
    model = recogniser(kind, head)
    utterances = features(9, 50, 31)
    together = make_batch(utterances)
    encodings = model.encoder(together.features_BTF, together.lengths_B, None)
    for row, utterance in enumerate(utterances):
        alone = make_batch([utterance])
        expected = model.encoder(alone.features_BTF, alone.lengths_B, None)
        found = encodings[row : row + 1, : expected.shape[1]]
        assert_rounded(found, expected, operations(50))
        scores = model.head.frame_scores(found)
        assert (scores is None) == (head == "transducer")
        if scores is not None:
            assert_rounded(scores, model.head.frame_scores(expected), operations(50))


@pytest.mark.parametrize("kind", ["lstm", "bilstm", "conformer"])
def test_what_is_in_the_padding_does_not_matter(kind: str) -> None:
    model, batch = recogniser(kind), make_batch(features(9, 50))
    filled = batch.features_BTF.clone()
    filled[0, batch.lengths_B[0] :] = 100.0
    clean = model.encoder(batch.features_BTF, batch.lengths_B, None)[0, : batch.lengths_B[0]]
    dirty = model.encoder(filled, batch.lengths_B, None)[0, : batch.lengths_B[0]]
    assert_rounded(dirty, clean, operations(50))


def test_the_unidirectional_encoder_does_not_look_ahead() -> None:
    model, batch = recogniser("lstm"), make_batch(features(30))
    changed = batch.features_BTF.clone()
    changed[0, 5:] = 7.0
    before = model.encoder(batch.features_BTF, batch.lengths_B, None)
    after = model.encoder(changed, batch.lengths_B, None)
    assert_rounded(after[0, :5], before[0, :5], operations(30))
    assert not torch.allclose(before[0, 5:], after[0, 5:])


@pytest.mark.parametrize("kind", ["lstm", "bilstm", "conformer"])
def test_encoders_keep_the_rate_and_say_their_width(kind: str) -> None:
    model, batch = recogniser(kind), make_batch(features(10, 31))
    assert model.encoder(batch.features_BTF, batch.lengths_B, None).shape == (2, 11, model.encoder.outputs)


@pytest.mark.parametrize("kind", ["lstm", "bilstm", "conformer"])
def test_dropout_comes_from_the_generator_alone(kind: str) -> None:
    model, batch = recogniser(kind, dropout=0.5), make_batch(features(10, 31))
    outputs = []
    for seed, world in ((1, 1), (1, 2), (3, 2)):
        torch.manual_seed(world)
        generator = torch.Generator().manual_seed(seed)
        outputs.append(model.encoder(batch.features_BTF, batch.lengths_B, generator))
    assert outputs[0].equal(outputs[1])
    assert not torch.allclose(outputs[1], outputs[2])


def test_reversing_twice_is_the_identity() -> None:
    x_BTF = torch.arange(2 * 4 * 1.0).reshape(2, 4, 1)
    reverse = ReverseWithinLength(torch.tensor([4, 2]), 4)
    assert reverse(x_BTF)[..., 0].tolist() == [[3, 2, 1, 0], [5, 4, 6, 7]]
    assert reverse(reverse(x_BTF)).equal(x_BTF)


@pytest.mark.parametrize("elements", [99_999, 100_000])
def test_dropout_keeps_the_mean(elements: int) -> None:
    x = torch.ones(elements)
    dropped = dropout(x, 0.3, torch.Generator().manual_seed(0))
    kept = round(0.7 * 2**16) / 2**16  # sixteen bits decide over an element
    assert dropped.unique().tolist() == [0.0, pytest.approx(1 / kept, rel=1e-6)]
    assert dropped.mean() == pytest.approx(1, abs=of_a_mean(math.sqrt(0.3 / 0.7), elements))
    assert dropout(x, 0.3, None) is x


def test_on_a_processor_masks_are_those_of_published_numbers() -> None:
    kept = dropout(torch.ones(24), 0.5, torch.Generator().manual_seed(1)).bool()
    assert kept.nonzero()[:, 0].tolist() == [0, 1, 2, 5, 7, 8, 13, 14, 18, 22]


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_masks_repeat_on_every_device(device: torch.device) -> None:
    x, elements = torch.ones(100_000, device=device), 100_000
    first, again, other = (dropout(x, 0.3, torch.Generator(device).manual_seed(seed)) for seed in (1, 1, 2))
    assert first.device == x.device
    assert first.equal(again)
    assert not first.equal(other)
    assert first.mean().item() == pytest.approx(1, abs=of_a_mean(math.sqrt(0.3 / 0.7), elements))


class _Generator(torch.Generator):
    """Says that it is elsewhere, where nothing is computed."""

    device = ELSEWHERE


def test_masks_are_drawn_where_their_generator_is(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[torch.device] = []
    monkeypatch.setattr(torch.Tensor, "random_", lambda words, *_, generator: given.append(words.device) or words)
    assert dropout(torch.ones(7, device=ELSEWHERE), 0.5, _Generator()).shape == (7,)
    assert given == [ELSEWHERE]
