"""The Conformer: what stands in its model files, and what its layers compute."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.toy_recognisers import MELS, UNITS, features, recogniser
from torch import nn
from torch.nn import functional

from fedasr.asr.batch import make_batch
from fedasr.asr.encoders.conformer import ConformerEncoder, ConformerSettings
from fedasr.asr.encoders.conformer_layers import Pointwise, UtteranceNorm

INPUTS = 3 * MELS
FEED_FORWARD = {
    "0.weight": (8,), "0.bias": (8,), "1.weight": (32, 8), "1.bias": (32,), "4.weight": (8, 32), "4.bias": (8,),
}  # fmt: skip
LAYER_BEFORE = {
    **{f"ffn1.sequential.{name}": shape for name, shape in FEED_FORWARD.items()},
    "self_attn_layer_norm.weight": (8,), "self_attn_layer_norm.bias": (8,),
    "self_attn.in_proj_weight": (24, 8), "self_attn.in_proj_bias": (24,),
    "self_attn.out_proj.weight": (8, 8), "self_attn.out_proj.bias": (8,),
    "conv_module.layer_norm.weight": (8,), "conv_module.layer_norm.bias": (8,),
    "conv_module.sequential.0.weight": (16, 8, 1), "conv_module.sequential.0.bias": (16,),
    "conv_module.sequential.2.weight": (8, 1, 3), "conv_module.sequential.2.bias": (8,),
    "conv_module.sequential.3.weight": (8,), "conv_module.sequential.3.bias": (8,),
    "conv_module.sequential.5.weight": (8, 8, 1), "conv_module.sequential.5.bias": (8,),
    **{f"ffn2.sequential.{name}": shape for name, shape in FEED_FORWARD.items()},
    "final_layer_norm.weight": (8,), "final_layer_norm.bias": (8,),
}  # fmt: skip
"""Parameters of a layer of 8 units, 2 heads and kernel 3, as fedasr 0.1.0 wrote them, in its order."""


def _encoder(layers: int = 2, units: int = UNITS, kernel: int = 3, positions: str = "none") -> ConformerEncoder:
    torch.manual_seed(0)
    return ConformerEncoder(INPUTS, ConformerSettings(layers, units, 0.0, 2, kernel, positions))


@pytest.mark.parametrize("positions", ["none", "rotary"])
def test_model_files_of_before_hold_the_same_parameters(positions: str) -> None:
    expected = {"project.weight": (8, 24), "project.bias": (8,)}
    for layer in range(2):
        expected |= {f"conformer.conformer_layers.{layer}.{name}": shape for name, shape in LAYER_BEFORE.items()}
    found = {name: tuple(value.shape) for name, value in _encoder(positions=positions).state_dict().items()}
    assert list(found.items()) == list(expected.items())


@pytest.mark.parametrize(("units", "kernel", "frames"), [(8, 3, 1), (8, 15, 7), (32, 15, 100)])
def test_an_utterance_alone_is_encoded_as_by_torchaudio(units: int, kernel: int, frames: int) -> None:
    models = pytest.importorskip("torchaudio.models")
    ours = _encoder(2, units, kernel).double()
    theirs = models.Conformer(units, 2, 4 * units, 2, kernel, use_group_norm=True).double()
    theirs.load_state_dict(ours.conformer.state_dict())
    x_BTF = torch.randn(1, frames, INPUTS, dtype=torch.float64)
    expected = theirs(ours.project(x_BTF), torch.tensor([frames]))[0]
    torch.testing.assert_close(ours(x_BTF, torch.tensor([frames]), None), expected, atol=1e-12, rtol=0.0)


def test_the_same_seed_begins_with_the_weights_of_torchaudio() -> None:
    models = pytest.importorskip("torchaudio.models")
    torch.manual_seed(0)
    nn.Linear(INPUTS, UNITS)
    theirs = models.Conformer(UNITS, 2, 4 * UNITS, 2, 3, use_group_norm=True)
    for name, value in _encoder().conformer.state_dict().items():
        assert value.equal(theirs.state_dict()[name]), name


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 99))
def test_the_norm_is_group_norm_over_the_frames_that_are_speech(lengths: list[int], seed: int) -> None:
    norm = UtteranceNorm(1, 5).double()
    torch.manual_seed(seed)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x_BTF = 3 + torch.randn(len(lengths), max(lengths), 5, dtype=torch.float64)
    padding_BT = torch.arange(max(lengths)) >= torch.tensor(lengths)[:, None]
    normed_BTF = norm(x_BTF, padding_BT)
    for row, length in enumerate(lengths):
        alone = functional.group_norm(x_BTF[row, :length].T[None], 1, norm.weight, norm.bias, norm.eps)
        torch.testing.assert_close(normed_BTF[row, :length], alone[0].T, atol=1e-12, rtol=0.0)


def test_a_pointwise_convolution_is_torchs() -> None:
    layer, x_BTF = Pointwise(4, 6, 1).double(), torch.randn(2, 5, 4, dtype=torch.float64)
    expected = functional.conv1d(x_BTF.transpose(1, 2), layer.weight, layer.bias).transpose(1, 2)
    torch.testing.assert_close(layer(x_BTF), expected, atol=1e-12, rtol=0.0)


def test_what_is_no_number_stays_in_its_own_utterance() -> None:
    model, batch = recogniser("conformer"), make_batch(features(9, 50))
    clean = model.encoder(batch.features_BTF, batch.lengths_B, None)
    batch.features_BTF[0] = np.nan  # its padding, too
    dirty = model.encoder(batch.features_BTF, batch.lengths_B, None)
    assert dirty[0, : batch.lengths_B[0]].isnan().all()
    assert dirty[1].equal(clean[1])
