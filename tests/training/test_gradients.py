from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.examples import batch_of
from support.learning import learner
from support.tolerance import assert_rounded, rounding
from support.toy_recognisers import operations, recogniser
from support.toy_speech import TOKENS, made_up, respoken, small_recogniser

from fedasr.asr.augment import NO_AUGMENTATION
from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.training.batches import training_batch
from fedasr.training.gradients import LANES, batch_gradient, clip_norm_, lanes_gradient
from fedasr.training.objectives.supervised import Supervised


def _batch(indices: list[int]):
    return training_batch(made_up(9), indices, TOKENS, NO_AUGMENTATION, np.random.default_rng(0))


def _generators() -> list[torch.Generator]:
    return [torch.Generator().manual_seed(lane) for lane in range(LANES)]


def _with_overlong(indices: list[int], overlong: set[int]) -> Batch:
    """Return a batch in which some transcripts have no path through their frames."""
    speech = made_up(9)
    spoken = tuple(replace(u, text="abcde" * 30) if n in overlong else u for n, u in enumerate(speech.utterances))
    return training_batch(respoken(speech, spoken), indices, TOKENS, NO_AUGMENTATION, np.random.default_rng(0))


@given(st.sets(st.integers(0, 5)))
def test_what_cannot_be_learnt_has_no_part_in_the_loss_and_no_gradient(overlong: set[int]) -> None:
    model, indices = small_recogniser(), list(range(6))
    loss, gradient = batch_gradient(model, Supervised().losses, _with_overlong(indices, overlong), None)
    others = [n for n in indices if n not in overlong]
    if not others:
        assert np.isnan(loss)
        assert all(bool((part == 0).all()) for part in gradient)
        return
    there = operations(60, 1)
    alone, expected = batch_gradient(model, Supervised().losses, _batch(others), None)
    assert loss == pytest.approx(alone, rel=rounding(there))
    for found, part in zip(gradient, expected, strict=True):
        assert_rounded(found, part * len(others) / len(indices), 2 * there)


def test_a_lane_of_nothing_to_learn_has_no_part_in_the_loss() -> None:
    model = small_recogniser()
    lanes = [_with_overlong([0, 2], {0, 2}), _batch([1, 3])]
    with ThreadPoolExecutor(LANES) as executor:
        loss, _ = lanes_gradient(learner(model).gradient, lanes, _generators(), executor)
    assert loss == pytest.approx(batch_gradient(model, Supervised().losses, lanes[1], None)[0])


@pytest.mark.parametrize("size", [2, 5, 9])
def test_lanes_give_the_gradient_of_the_whole_batch(size: int) -> None:
    model, indices = small_recogniser(), list(range(size))
    loss, whole = batch_gradient(model, Supervised().losses, _batch(indices), None)
    lanes = [_batch(indices[lane::LANES]) for lane in range(LANES)]
    with ThreadPoolExecutor(LANES) as executor:
        lanes_loss, parts = lanes_gradient(learner(model).gradient, lanes, _generators(), executor)
    there = operations(60, 1)
    assert lanes_loss == pytest.approx(loss, rel=rounding(there))
    for found, expected in zip(parts, whole, strict=True):
        assert_rounded(found, expected, 2 * there)


def test_the_number_of_threads_changes_no_bit() -> None:
    model = small_recogniser(dropout=0.4)
    lanes = [_batch([0, 2, 4, 6]), _batch([1, 3, 5])]
    results = []
    for threads in (1, 2, 2):
        with ThreadPoolExecutor(threads) as executor:
            results.append(lanes_gradient(learner(model).gradient, lanes, _generators(), executor))
    for loss, gradient in results[1:]:
        assert loss == results[0][0]
        assert all(a.equal(b) for a, b in zip(gradient, results[0][1], strict=True))


def test_the_gradient_is_that_of_the_mean_loss() -> None:
    """A step along the gradient and one against it: what is off is rounding, and of the order of the step squared."""
    model, batch, step = small_recogniser(), _batch([0, 1, 2]), 3e-4
    _, gradient = batch_gradient(model, Supervised().losses, batch, None)
    losses = []
    for way in (step, -2 * step):
        with torch.no_grad():
            for parameter, part in zip(model.parameters(), gradient, strict=True):
                parameter.add_(way * part)
            losses.append(float(Supervised().losses(model, batch, None).double().mean()))
    expected = 2 * step * sum(float((part.double() ** 2).sum()) for part in gradient)
    within = rounding(operations(60, 1), losses[0]) + 0.01 * expected
    assert within < 0.05 * expected
    assert losses[0] - losses[1] == pytest.approx(expected, abs=within)


@given(
    st.lists(st.lists(st.floats(-100, 100), min_size=1, max_size=5), min_size=1, max_size=4),
    st.floats(0.01, 50),
)
def test_clipping_bounds_the_norm_and_keeps_the_direction(values: list[list[float]], largest: float) -> None:
    gradient = [torch.tensor(part) for part in values]
    before = torch.cat(gradient).double()
    norm = clip_norm_(gradient, largest)
    after = torch.cat(gradient).double()
    # A norm sums squares, and those of less than 2⁻¹⁴⁹ are lost.
    sums = len(before) + 2
    assert norm == pytest.approx(float(before.norm()), rel=rounding(sums), abs=(sums * 2.0**-149) ** 0.5)
    assert float(after.norm()) <= largest * (1 + rounding(sums + 2))
    scale = min(1.0, largest / norm) if norm else 1.0
    torch.testing.assert_close(after, before * scale, rtol=rounding(2), atol=2.0**-149)


def test_a_small_gradient_is_left_to_the_bit() -> None:
    gradient = [torch.tensor([0.1, -0.2])]
    clip_norm_(gradient, 1.0)
    assert gradient[0].equal(torch.tensor([0.1, -0.2]))


def test_what_the_loss_has_nothing_to_do_with_has_a_gradient_of_zeros() -> None:
    model = recogniser(head="joint")
    batch = batch_of()

    def frames_alone(model: Recogniser, batch: Batch, generator: torch.Generator | None) -> torch.Tensor:
        return -model.ctc(model.encoder(batch.features_BTF, batch.lengths_B, generator)).mean((1, 2))

    _, gradient = batch_gradient(model, frames_alone, batch, None)
    zero = {name.split(".")[0]: True for name, _ in model.named_parameters()}
    for (name, parameter), part in zip(model.named_parameters(), gradient, strict=True):
        assert part.shape == parameter.shape
        zero[name.split(".")[0]] &= not part.any()
    assert zero == {"encoder": False, "ctc": False, "transducer": True}
