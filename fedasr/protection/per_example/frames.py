"""An LSTM layer's passes through time, frame after frame: the slow part of `fedasr.protection.per_example.lstm`.

Each frame takes a handful of small operations. In Python two lanes would wait for each other's interpreter between any
two of them; in TorchScript, which does the same operations in the same order, they do not.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
T = TypeVar("T")


def forth(gates_TBG: Tensor, h_SBH: Tensor, c_SBH: Tensor, squashed_TBH: Tensor, weight_HG: Tensor) -> None:
    """Turn the inputs' share of the gates into the gates, in place; fill outputs, cells and squashed cells.

    Parameters
    ----------
    gates_TBG : Tensor
        In torch's order: input, forget, cell, output.
    h_SBH, c_SBH : Tensor
        Outputs and cells; the first are those of the start, so that S is one more than T.
    squashed_TBH : Tensor
        The cells' tanh.
    weight_HG : Tensor
    """
    parts = gates_TBG.chunk(4, -1)
    sigmoids = gates_TBG[:, :, : 2 * h_SBH.size(2)].unbind()
    entering, forgetting, new, leaving = parts[0].unbind(), parts[1].unbind(), parts[2].unbind(), parts[3].unbind()
    gates, hs, cs, squashed = gates_TBG.unbind(), h_SBH.unbind(), c_SBH.unbind(), squashed_TBH.unbind()
    for t in range(len(gates)):
        gates[t].addmm_(hs[t], weight_HG)
        sigmoids[t].sigmoid_()
        leaving[t].sigmoid_()
        torch.mul(entering[t], new[t].tanh_(), out=cs[t + 1])
        cs[t + 1].addcmul_(forgetting[t], cs[t])
        torch.tanh(cs[t + 1], out=squashed[t])
        torch.mul(leaving[t], squashed[t], out=hs[t + 1])


def back(
    slopes_TBG: Tensor, cell_by_output_TBH: Tensor, forgetting_TBH: Tensor, outside_TBH: Tensor, weight_GH: Tensor
) -> None:
    """Turn the gates' factors into the loss's slopes by the gates, in place, from the last frame to the first.

    Parameters
    ----------
    slopes_TBG : Tensor
        The factors: by the cell's slope three, by the output's the last.
    cell_by_output_TBH, forgetting_TBH : Tensor
    outside_TBH : Tensor
        The loss's slopes by the outputs, as far as they come from outside; changed in place.
    weight_GH : Tensor
    """
    by_gate = slopes_TBG.view([slopes_TBG.size(0), slopes_TBG.size(1), 4, outside_TBH.size(2)])
    of_cell, of_output, slopes = by_gate[:, :, :3].unbind(), by_gate[:, :, 3].unbind(), slopes_TBG.unbind()
    cell_by_output, forgetting, outputs = cell_by_output_TBH.unbind(), forgetting_TBH.unbind(), outside_TBH.unbind()
    c_BH = torch.zeros_like(outputs[0])
    for before in range(len(slopes)):
        t = len(slopes) - 1 - before
        c_BH.addcmul_(outputs[t], cell_by_output[t])
        of_cell[t].mul_(c_BH[:, None])
        of_output[t].mul_(outputs[t])
        c_BH.mul_(forgetting[t])
        if t > 0:
            outputs[t - 1].addmm_(slopes[t], weight_GH)


@functools.cache
def scripted(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function in TorchScript; as it is for a Python that TorchScript does not support (3.14 and later)."""
    if sys.version_info >= (3, 14):
        return function
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made: Callable[P, T] = torch.jit.script(function)
    return made
