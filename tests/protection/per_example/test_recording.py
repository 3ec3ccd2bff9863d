import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch
from support.examples import batch_of
from support.toy_recognisers import recogniser

from fedasr.asr.encoders.encoder import ENCODERS
from fedasr.protection.per_example.clipping import clipped_gradient_sum
from fedasr.protection.per_example.recording import lane_copy
from fedasr.training.objectives.supervised import Supervised


@pytest.mark.parametrize("kind", sorted(ENCODERS.known()))
def test_a_lane_has_layers_of_its_own_and_the_parameters_of_all(kind: str) -> None:
    model = recogniser(kind, "joint")
    lane = lane_copy(model)
    for (name, one), (other_name, other) in zip(model.named_modules(), lane.named_modules(), strict=True):
        assert name == other_name
        assert one is not other
    for one, other in zip(model.parameters(), lane.parameters(), strict=True):
        assert one is other
    with torch.no_grad():
        next(model.parameters()).add_(0.5)
    assert lane.losses(batch_of()).equal(model.losses(batch_of()))
    lane.losses(batch_of()).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_lanes_in_two_threads_find_what_one_thread_finds() -> None:
    model = recogniser("bilstm", "joint")
    lanes = model, lane_copy(model)
    take = partial(clipped_gradient_sum, loss=Supervised().losses, batch=batch_of(), clip_norm=math.inf, generator=None)
    expected = take(model).gradient
    with ThreadPoolExecutor(2) as executor:
        for _ in range(10):
            for found in executor.map(take, lanes):
                assert all(a.equal(b) for a, b in zip(found.gradient, expected, strict=True))
