"""How each kind of layer finds the gradients of its parameters, example by example, from what it was given.

A rule takes a layer, its inputs and the gradient by its output. Each is exact: where the gradient by the output is zero
in the padding, as it is in fedasr's layers, what stands there adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from opacus.grad_sample.embedding import compute_embedding_grad_sample
from opacus.grad_sample.layer_norm import compute_layer_norm_grad_sample
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from fedasr.asr.encoders.conformer_layers import ConformerLayer, Convolution, Pointwise, UtteranceNorm
from fedasr.asr.encoders.rotary import RotaryAttention
from fedasr.asr.subsampling import Convolutional
from fedasr.protection.per_example.lstm import Gradients

Rule = Callable[[Any, Sequence[Tensor], Tensor], Gradients]


def of_linear(layer: nn.Linear | Pointwise, inputs: Sequence[Tensor], slope: Tensor) -> Gradients:
    """Return the gradients of a linear layer, whatever axes lie between the first and the last."""
    return _product(layer.weight, layer.bias, inputs[0].flatten(1, -2), slope.flatten(1, -2))


def of_projection(layer: nn.MultiheadAttention, inputs: Sequence[Tensor], slope_BTG: Tensor) -> Gradients:
    """Return the gradients of what makes queries, keys and values of one input."""
    return _product(layer.in_proj_weight, layer.in_proj_bias, inputs[0], slope_BTG)


def of_depthwise(layer: nn.Conv1d, inputs: Sequence[Tensor], slope_BCT: Tensor) -> Gradients:
    """Return the gradients of a convolution within each channel: a sum over time for each place of the kernel."""
    (kernel,), frames = layer.kernel_size, slope_BCT.shape[2]
    x_BCS = functional.pad(inputs[0], ((kernel - 1) // 2, kernel // 2))
    places = [(x_BCS[..., place : place + frames] * slope_BCT).sum(2) for place in range(kernel)]
    found = {layer.weight: torch.stack(places, 2)[:, :, None]}
    return found if layer.bias is None else {**found, layer.bias: slope_BCT.sum(2)}


def of_plane(layer: nn.Conv2d, inputs: Sequence[Tensor], slope_BOTM: Tensor) -> Gradients:
    """Return the gradients of a convolution over time and frequency: a linear layer over its windows."""
    windows_BKN = functional.unfold(inputs[0], layer.kernel_size, layer.dilation, layer.padding, layer.stride)  # type: ignore[arg-type]
    slope_BON = slope_BOTM.flatten(2)
    return _product(layer.weight, layer.bias, windows_BKN.mT, slope_BON.mT)


def of_utterance_norm(layer: UtteranceNorm, inputs: Sequence[Tensor], slope_BTF: Tensor) -> Gradients:
    """Return the gradients of what scales and shifts the normalised utterance."""
    unscaled = UtteranceNorm(1, layer.num_channels, layer.eps, device=slope_BTF.device, dtype=slope_BTF.dtype)
    return {layer.weight: (slope_BTF * unscaled(*inputs)).sum(1), layer.bias: slope_BTF.sum(1)}


def _product(weight: Tensor, bias: Tensor | None, x_BNI: Tensor, slope_BNO: Tensor) -> Gradients:
    found = {weight: torch.bmm(slope_BNO.mT, x_BNI).view(len(x_BNI), *weight.shape)}
    return found if bias is None else {**found, bias: slope_BNO.sum(1)}


RULES: Mapping[type[nn.Module], Rule] = {
    nn.Linear: of_linear,
    NonDynamicallyQuantizableLinear: of_linear,
    nn.LayerNorm: compute_layer_norm_grad_sample,
    nn.Embedding: compute_embedding_grad_sample,
    Pointwise: of_linear,
    UtteranceNorm: of_utterance_norm,
    nn.Conv1d: of_depthwise,
    nn.Conv2d: of_plane,
    nn.MultiheadAttention: of_projection,
    RotaryAttention: of_projection,
}
"""By the exact kind of a layer; those of layer norm and embedding are Opacus'."""
HOMES: Mapping[type[nn.Module], type[nn.Module]] = {
    nn.Conv1d: Convolution,
    nn.Conv2d: Convolutional,
    nn.MultiheadAttention: ConformerLayer,
    RotaryAttention: ConformerLayer,
}
"""Layers that could look across the end of an utterance, and whose they are where they do not."""
