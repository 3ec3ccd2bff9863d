import gc

import numpy as np
import pytest
import torch

from fedasr.asr.batch import make_batch
from fedasr.asr.published_sizes import MILLION_HOURS_OUTPUTS, MILLION_HOURS_STUDENT, MILLION_HOURS_TEACHER
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import PhoneTokens
from fedasr.experiment.experiment import Experiment

LABELS = PhoneTokens(tuple(f"{number:04}" for number in range(MILLION_HOURS_OUTPUTS - 2)), (), "aligned")
each = pytest.mark.parametrize("spec", [MILLION_HOURS_TEACHER, MILLION_HOURS_STUDENT], ids=["teacher", "student"])


@pytest.mark.parametrize(
    ("spec", "directions", "units", "published"),
    [(MILLION_HOURS_TEACHER, 2, 832, 78.3e6), (MILLION_HOURS_STUDENT, 1, 768, 24.15e6)],
    ids=["teacher", "student"],
)
def test_they_have_as_many_parameters_as_published(
    spec: RecogniserSpec, directions: int, units: int, published: float
) -> None:
    with torch.device("meta"):
        model = Recogniser(spec, LABELS)
    assert model.subsampling.outputs == 192
    inputs = [192] + 4 * [directions * units]
    cells = sum(directions * 4 * units * (width + units + 2) for width in inputs)  # two biases of a cell
    norms, output = 5 * 2 * directions * units, (directions * units + 1) * MILLION_HOURS_OUTPUTS
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == cells + norms + output
    # The published figure counts one bias of a cell, and no normalisation of layers: half a part in a thousand each.
    assert count == pytest.approx(published, rel=1.5e-3)


@each
def test_one_step_of_each_lowers_its_loss(spec: RecogniserSpec) -> None:
    torch.manual_seed(0)
    model = Recogniser(spec, LABELS)
    features = np.random.default_rng(0).standard_normal((24, 64)).astype(np.float16)
    batch = make_batch([features], [np.random.default_rng(1).integers(0, MILLION_HOURS_OUTPUTS, 8).tolist()])
    before = model.losses(batch).mean()
    assert before.item() == pytest.approx(np.log(MILLION_HOURS_OUTPUTS), rel=0.05)  # it knows nothing yet
    before.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.01 * parameter.grad
    with torch.inference_mode():
        assert model.losses(batch).mean() < before
    del model, before
    gc.collect()


@each
def test_an_experiment_states_them(spec: RecogniserSpec) -> None:
    model = {
        "encoder": spec.encoder.kind, "layers": 5, "units": spec.encoder.units, "head": "frames", "tokens": "phones",
    }  # fmt: skip
    assert Experiment.from_table({"name": "million", "model": model}).model.recogniser() == spec
