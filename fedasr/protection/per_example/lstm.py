"""An LSTM layer whose backward pass gives each example's own gradient.

The fused layer of torch sums the gradients of its weights over the batch inside one kernel. Here the same
parameters give the same outputs (up to rounding) gate by gate, and the gradients of the gates, which the backward
pass needs anyway, are kept apart by example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from fedasr.protection.per_example.frames import back, forth, scripted

Gradients = dict[Tensor, Tensor]
"""Gradients of parameters, the examples along their first axis."""


def is_plain(layer: nn.LSTM) -> bool:
    """Whether the layer is of the kind that this module computes: one layer, one direction, batch first."""
    simple = layer.num_layers == 1 and not layer.bidirectional and layer.proj_size == 0
    return simple and layer.batch_first and bool(layer.bias)


def recorded_lstm(
    layer: nn.LSTM, x_BTI: Tensor, anchor: Tensor, record: Callable[[Gradients], None]
) -> tuple[Tensor, None]:
    """Return the layer's outputs; the backward pass hands each example's gradients to `record`.

    Parameters
    ----------
    layer : nn.LSTM
        Its parameters are constants to autograd. It starts from zeros, and its last state is not given out.
    x_BTI : Tensor
    anchor : Tensor
        Something that requires a gradient, so that the backward pass comes by.
    record : callable
    """
    # torch registers them in this order: of the input, of the last output, and their biases.
    return _LSTM.apply(x_BTI, anchor, list(layer.parameters()), record), None  # type: ignore[no-untyped-call]


class _LSTM(torch.autograd.Function):
    """Gates stand in torch's order: input, forget, cell, output. G is four times H."""

    @staticmethod
    def forward(
        ctx: Any, x_BTI: Tensor, anchor: Tensor, parameters: list[nn.Parameter], record: Callable[[Gradients], None]
    ) -> Tensor:
        weight_GI, weight_GH, bias_G, other_bias_G = parameters
        x_TBI = x_BTI.transpose(0, 1).contiguous()
        gates_TBG = torch.addmm(bias_G + other_bias_G, x_TBI.flatten(0, 1), weight_GI.T).view(*x_TBI.shape[:2], -1)
        kept = _run(gates_TBG, weight_GH.T.contiguous())
        ctx.parameters, ctx.record = parameters, record
        ctx.save_for_backward(x_TBI, gates_TBG, *kept)
        return kept[0][1:].transpose(0, 1).contiguous()

    @staticmethod
    def backward(ctx: Any, slope_BTH: Tensor) -> tuple[Tensor | None, None, None, None]:
        x_TBI, gates_TBG, h_SBH, c_SBH, squashed_TBH = ctx.saved_tensors
        weight_GI, weight_GH, bias_G, other_bias_G = ctx.parameters
        slopes_TBG = _gate_slopes(gates_TBG, c_SBH, squashed_TBH, weight_GH, slope_BTH.transpose(0, 1))
        slopes_BGT, bias_BG = slopes_TBG.permute(1, 2, 0), slopes_TBG.sum(0)
        ctx.record({
            weight_GI: torch.bmm(slopes_BGT, x_TBI.transpose(0, 1)),
            weight_GH: torch.bmm(slopes_BGT, h_SBH[:-1].transpose(0, 1)),
            bias_G: bias_BG,
            other_bias_G: bias_BG,
        })  # fmt: skip
        if not ctx.needs_input_grad[0]:
            return None, None, None, None
        slope_TBI = (slopes_TBG.flatten(0, 1) @ weight_GI).view(x_TBI.shape)
        return slope_TBI.transpose(0, 1), None, None, None


def _run(gates_TBG: Tensor, weight_HG: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Turn the inputs' share of the gates into the gates, in place; return outputs, cells and squashed cells.

    Outputs and cells begin with the zeros of the start: axis S is one longer than T.
    """
    frames, batch, width = gates_TBG.shape
    units = width // 4
    h_SBH, c_SBH = gates_TBG.new_zeros(2, frames + 1, batch, units).unbind()
    squashed_TBH = gates_TBG.new_empty(frames, batch, units)
    scripted(forth)(gates_TBG, h_SBH, c_SBH, squashed_TBH, weight_HG)
    return h_SBH, c_SBH, squashed_TBH


def _gate_slopes(
    gates_TBG: Tensor, c_SBH: Tensor, squashed_TBH: Tensor, weight_GH: Tensor, slope_TBH: Tensor
) -> Tensor:
    """Return the gradient by the gates before their squashing functions, shape (time, batch, 4 * units)."""
    slopes_TBG, cell_by_output = _factors(gates_TBG, c_SBH, squashed_TBH)
    outside_TBH = slope_TBH.clone(memory_format=torch.contiguous_format)
    scripted(back)(slopes_TBG, cell_by_output, gates_TBG.chunk(4, -1)[1], outside_TBH, weight_GH)
    return slopes_TBG


def _factors(gates_TBG: Tensor, c_SBH: Tensor, squashed_TBH: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gates' slopes by what they are multiplied with: by the cell's, the last by the output's.

    Beside them that of the cell by the output.
    """
    i, _, g, o = gates_TBG.chunk(4, -1)
    by_TBG = torch.addcmul(gates_TBG, gates_TBG, gates_TBG, value=-1)
    entering, forgetting, new, leaving = by_TBG.chunk(4, -1)
    entering.mul_(g)
    forgetting.mul_(c_SBH[:-1])
    torch.addcmul(i, i * g, g, value=-1, out=new)
    leaving.mul_(squashed_TBH)
    return by_TBG, torch.addcmul(o, o * squashed_TBH, squashed_TBH, value=-1)
