"""The pull, on gradients that are given."""

import numpy as np
import torch
from support.toy_recognisers import recogniser

from fedasr.asr.recogniser import digest
from fedasr.protection.adamix.protection import AdaMix
from fedasr.protection.dp_sgd.descent import NoisyDescent
from fedasr.training.descent import Descent

STEPS = 4
OPTIONS = {"optimizer": "sgd", "learning_rate": 0.5, "decay": 1.0, "momentum": 0.0, "layers": ("ctc.*",)}


def _descent(model, pull: float) -> Descent:
    return AdaMix(**OPTIONS, pull=pull).plan(9, 0, STEPS).descent(model, None)


def _gradient(model, step: int) -> list[torch.Tensor]:
    masks = torch.Generator().manual_seed(step)
    return [torch.randn(parameter.shape, generator=masks) for parameter in model.parameters()]


def test_it_leads_back_to_where_training_began() -> None:
    """With a rate of one over the pull one step undoes all that gradients did."""
    model = recogniser()
    before = model.weights()
    descent = _descent(model, 2.0)
    descent.step(_gradient(model, 0), 0.0)
    moved = model.weights()
    assert digest(moved) != digest(before)
    descent.step([torch.zeros_like(p) for p in model.parameters()], 0.5)
    for name, array in model.weights().items():
        np.testing.assert_allclose(array, before[name], atol=1e-6)


def test_without_a_pull_there_is_none() -> None:
    assert type(_descent(recogniser(), 0.0)) is NoisyDescent


def test_a_resumed_one_pulls_to_where_the_first_began() -> None:
    whole, first, second = (recogniser() for _ in range(3))
    expected, begun, resumed = (_descent(model, 0.3) for model in (whole, first, second))
    for step in range(STEPS):
        expected.step(_gradient(whole, step), 0.0)
    for step in range(2):
        begun.step(_gradient(first, step), 0.0)
    second.load(first.weights())
    resumed.restore(begun.state())
    for step in range(2, STEPS):
        resumed.step(_gradient(second, step), 0.0)
    assert digest(second.weights()) == digest(whole.weights())
