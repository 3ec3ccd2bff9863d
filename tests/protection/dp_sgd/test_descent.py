"""What is done with noisy gradients, on gradients that are given."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support.tolerance import rounding
from support.toy_recognisers import recogniser

from fedasr.asr.recogniser import Recogniser, digest
from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, save_arrays
from fedasr.protection.dp_sgd.descent import DescentSpec, NoisyDescent
from fedasr.training.iterates import IterateMean

STEPS = 5


def gradient(model: Recogniser, step: int) -> list[torch.Tensor]:
    masks = torch.Generator().manual_seed(step)
    return [torch.randn(parameter.shape, generator=masks) for parameter in model.parameters()]


def descend(model: Recogniser, descent: NoisyDescent, first: int = 0, last: int = STEPS) -> list[dict]:
    """Take steps and return the iterates."""
    iterates = []
    for step in range(first, last):
        descent.step(gradient(model, step), 0.0)
        iterates.append(model.weights())
    return iterates


def test_sgd_follows_the_gradients_at_a_rate_that_falls_linearly() -> None:
    model = recogniser()
    before = model.weights()
    descend(model, NoisyDescent(model, DescentSpec(learning_rate=0.2, decay=0.5), STEPS))
    rates = [0.2 * (1 - 0.5 * step / STEPS) for step in range(STEPS)]
    moved = [sum(rate * g for rate, g in zip(rates, gs, strict=True)) for gs in zip(*(
        gradient(model, step) for step in range(STEPS)
    ), strict=True)]  # fmt: skip
    for (name, old), change in zip(before.items(), moved, strict=True):
        within = rounding(2 * STEPS, float(np.abs(old).max() + np.abs(change).max()))
        np.testing.assert_allclose(model.weights()[name], old - np.asarray(change), rtol=0, atol=within)


@pytest.mark.parametrize("stop", [1, 3, 4])
@pytest.mark.parametrize("spec", [DescentSpec(momentum=0.9), DescentSpec("adam", 0.01, layers=("ctc.*",))])
def test_stopped_and_resumed_gives_the_bits_of_an_uninterrupted_descent(
    stop: int, spec: DescentSpec, tmp_path: Path
) -> None:
    whole, first, second = (recogniser() for _ in range(3))
    expected = NoisyDescent(whole, spec, STEPS)
    descend(whole, expected)
    begun = NoisyDescent(first, spec, STEPS)
    descend(first, begun, last=stop)
    save_arrays(tmp_path / "state", begun.state(), {})
    resumed = NoisyDescent(second, spec, STEPS)
    second.load(first.weights())
    resumed.restore(load_arrays(tmp_path / "state")[0])
    descend(second, resumed, stop)
    assert digest(second.weights()) == digest(whole.weights())
    assert resumed.state().keys() == expected.state().keys()
    for name, array in expected.state().items():
        np.testing.assert_array_equal(resumed.state()[name], array, err_msg=name)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_is_not_trained_is_untouched_to_the_bit(optimizer: str) -> None:
    model = recogniser(head="joint")
    before = model.weights()
    spec, mean = DescentSpec(optimizer, 0.05, layers=("transducer.*", "encoder.norms.*")), IterateMean()
    for weights in descend(model, NoisyDescent(model, spec, STEPS)):
        mean.add(weights)
    for after in (model.weights(), mean.weights()):
        changed = {name for name in before if not np.array_equal(before[name], after[name])}
        assert changed == {name for name in before if name.startswith(("transducer.", "encoder.norms."))}


def test_unknown_layers_are_refused_at_once() -> None:
    with pytest.raises(UserError, match="'layers'"):
        NoisyDescent(recogniser(), DescentSpec(layers=("nothing.*",)), STEPS)
