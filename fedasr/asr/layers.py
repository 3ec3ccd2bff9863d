"""Layers whose randomness is an argument and whose outputs do not depend on the padding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

LEVELS = 1 << 16
"""Sixteen random bits decide over an element: a probability is rounded to a multiple of one in so many."""


def dropout(x: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Drop elements with the given generator; without one (evaluation) return `x` itself.

    torch's own dropout draws from a global generator, so that its masks would depend on what else
    the process does; four elements share a draw of 64 bits, which takes a third of torch's time.

    Masks are drawn on the generator's device. They repeat for a seed on one kind of device; on another kind the same
    seed gives other masks, of the same distribution, as sums there have other last bits.
    """
    kept = round((1 - probability) * LEVELS)
    if generator is None or kept == LEVELS:
        return x
    words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=generator.device)
    words.random_(-(2**63), None, generator=generator)
    mask = (words.view(torch.int16)[: x.numel()] < kept - LEVELS // 2).view(x.shape)
    return x * mask.to(x.device, x.dtype).mul_(LEVELS / kept)


def valid_frames(lengths_B: Tensor, frames: int) -> Tensor:
    """Return a mask of shape (batch, frames), true on frames that are speech and not padding."""
    return torch.arange(frames, device=lengths_B.device)[None, :] < lengths_B[:, None]


class ReverseWithinLength:
    """Reverses each utterance of a batch within its own length; padding stays at the end."""

    def __init__(self, lengths_B: Tensor, frames: int) -> None:
        position = torch.arange(frames, device=lengths_B.device)[None, :]
        last = lengths_B[:, None] - 1
        within_BT = torch.where(position <= last, last - position, position)
        first_B1 = frames * torch.arange(len(lengths_B), device=lengths_B.device)[:, None]
        self._rows_N = (first_B1 + within_BT).flatten()

    def __call__(self, x_BTF: Tensor) -> Tensor:
        """Return the reversed batch; applied twice it is the identity."""
        reversed_BTF: Tensor = _Exchange.apply(x_BTF, self._rows_N)  # type: ignore[no-untyped-call]
        return reversed_BTF


class _Exchange(torch.autograd.Function):
    """Rows in another order, one that is its own inverse: the gradient takes the same way, whole rows at a time.

    torch's ``gather`` goes value by value, and its gradient adds up what a permutation only moves.
    """

    @staticmethod
    def forward(ctx: Any, x_BTF: Tensor, rows_N: Tensor) -> Tensor:
        ctx.save_for_backward(rows_N)
        return _exchanged(x_BTF, rows_N)

    @staticmethod
    def backward(ctx: Any, slope_BTF: Tensor) -> tuple[Tensor, None]:
        (rows_N,) = ctx.saved_tensors
        return _exchanged(slope_BTF, rows_N), None


def _exchanged(x_BTF: Tensor, rows_N: Tensor) -> Tensor:
    return x_BTF.flatten(0, 1).index_select(0, rows_N).view(x_BTF.shape)


class BidirectionalLSTM(nn.Module):
    """One bidirectional LSTM layer of two unidirectional ones.

    torch's own starts its backward direction in the padding, so that an utterance's output depends
    on its neighbours in the batch; packed sequences avoid that but are slow on a CPU.

    Parameters
    ----------
    inputs : int
        Input features.
    hidden : int
        Units of each direction; the output has twice as many features.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(inputs, hidden, batch_first=True)
        self.backwards = nn.LSTM(inputs, hidden, batch_first=True)

    def forward(self, x_BTF: Tensor, reverse: ReverseWithinLength) -> Tensor:
        """Return the outputs of both directions, shape (batch, frames, 2 * hidden)."""
        ahead, _ = self.forwards(x_BTF)
        back, _ = self.backwards(reverse(x_BTF))
        return torch.cat([ahead, reverse(back)], dim=-1)
