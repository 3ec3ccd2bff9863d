"""Each example's gradient, clipped, and their sum: the half of DP-SGD that bounds what one utterance can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import UserError
from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.clipping.cut import cut_sum
from fedasr.protection.per_example.recording import can_record, recorded
from fedasr.training.gradients import Loss
from fedasr.training.parameters import trained_parameters

PerExample = tuple[Tensor, list[Tensor]]
"""Losses, shape (batch,), and for each parameter the gradients of the examples along the first axis."""


@dataclass(frozen=True)
class ClippedSum:
    """The sum over a batch of each example's gradient, scaled down to a largest norm.

    Adding or removing one example changes `gradient` by at most the clip norm, but for rounding: that of float64 in
    norms and sums, bounded in `fedasr.protection.dp_sgd.rounding`; and that of float32 in the other examples'
    gradients, which are computed beside it.
    The other attributes are not bounded: they stay on the private side, or in a simulator's report.

    Attributes
    ----------
    losses : Tensor
        Those of the examples that can be learnt and whose loss is a number.
    gradient : list of Tensor of float64
        One tensor for each trained parameter.
    norms_B : Tensor of float64
        The norm of each example's whole gradient before clipping; not finite where it was left out.
    """

    losses: Tensor
    gradient: list[Tensor]
    norms_B: Tensor

    def __add__(self, other: ClippedSum) -> ClippedSum:
        """Return the sum over the examples of both."""
        gradient = [one + another for one, another in zip(self.gradient, other.gradient, strict=True)]
        losses, norms_B = torch.cat([self.losses, other.losses]), torch.cat([self.norms_B, other.norms_B])
        return ClippedSum(losses, gradient, norms_B)

    @property
    def loss(self) -> float:
        """The mean over the examples that can be learnt and whose loss is a number; NaN where there is none."""
        return float(self.losses.mean())

    @property
    def left_out(self) -> int:
        """Examples that contributed zero because their gradient holds a NaN or an infinity."""
        return int((~self.norms_B.isfinite()).sum())


def clipped_gradient_sum(
    recogniser: Recogniser, loss: Loss, batch: Batch, clip_norm: float | Bounds,
    generator: torch.Generator | None, layers: Sequence[str] = ("*",), most_at_once: int = 16,
) -> ClippedSum:  # fmt: skip
    """Return the sum of the examples' clipped gradients.

    An example's gradient is that of its own loss alone, of all trained parameters together. It depends on the other
    examples of the batch neither through padding nor through the loss. Which dropout masks it gets does depend on who
    else was drawn, but masks are independent from element to element, and so from example to example: pair those of two
    neighbours example by example, and given them the sums differ by the one example. The release is a mixture over
    masks, with the same weights for both, of releases that a guarantee covers, and so covered.

    ======================  ==================================================================
    clip norm 0             the sum is zero
    clip norm infinite      nothing is clipped: the sum of the gradients; its change is unbounded
    clip norm NaN or < 0    refused
    gradient NaN, infinite  the example contributes zero, which is within any bound
    empty batch             zeros
    ======================  ==================================================================

    Parameters
    ----------
    recogniser : Recogniser
    loss : callable
        One loss an utterance.
    batch : Batch
    clip_norm : float or Bounds
        The largest L2 norm of an example's contribution; or of each of some blocks of parameters.
    generator : torch.Generator or None
        The source of dropout masks.
    layers : sequence of str
        Which parameters are trained, by patterns such as ``"encoder.layers.1.*"``.
    most_at_once : int
        Examples whose gradients are in memory together; it changes nothing but rounding and dropout masks.

    Raises
    ------
    UserError
        For a clip norm that is none, a pattern that fits nothing, or batch norm, which mixes examples.
    """
    trained = trained_parameters(recogniser, layers)
    bounds = clip_norm if isinstance(clip_norm, Bounds) else Bounds.of_all(trained, clip_norm)
    refuse_batch_norm(recogniser)
    parameters = list(trained.values())
    gradient = [torch.zeros_like(parameter, dtype=torch.float64) for parameter in parameters]
    losses, norms = [], []
    for losses_B, fits_B, gradients in _in_pieces(recogniser, loss, batch, parameters, generator, most_at_once):
        found, norms_B = cut_sum(dict(zip(trained, gradients, strict=True)), bounds)
        for total, name in zip(gradient, trained, strict=True):
            total.add_(found[name])
        losses.append(losses_B[fits_B.to(losses_B.device)])
        norms.append(norms_B)
    all_norms_B = torch.cat(norms) if norms else torch.zeros(0, dtype=torch.float64)
    return ClippedSum(_numbers(losses), gradient, all_norms_B.cpu())


def each_gradient(
    recogniser: Recogniser, loss: Loss, batch: Batch, generator: torch.Generator | None,
    layers: Sequence[str] = ("*",), most_at_once: int = 16,
) -> dict[str, Tensor]:  # fmt: skip
    """Return each example's own gradient, unclipped, by trained parameter, the examples along the first axis.

    It bounds nothing: it is for public speech. The batch holds one example at least; other parameters are those of
    `clipped_gradient_sum`.
    """
    trained = trained_parameters(recogniser, layers)
    refuse_batch_norm(recogniser)
    pieces = _in_pieces(recogniser, loss, batch, list(trained.values()), generator, most_at_once)
    stacks = zip(*[gradients for _, _, gradients in pieces], strict=True)
    return {name: torch.cat(stack) for name, stack in zip(trained, stacks, strict=True)}


def refuse_batch_norm(recogniser: nn.Module) -> None:
    """Raise where a layer normalises over the batch: no example has a gradient of its own then."""
    for name, layer in recogniser.named_modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            raise UserError(f"DP-SGD: {name} is a batch norm, which mixes utterances; use group or layer norm instead")


def _in_pieces(
    recogniser: Recogniser, loss: Loss, batch: Batch, parameters: list[nn.Parameter],
    generator: torch.Generator | None, most_at_once: int,
) -> Iterator[tuple[Tensor, Tensor, list[Tensor]]]:  # fmt: skip
    together = can_record(recogniser)
    size = most_at_once if together else 1
    take = _recorded_gradients if together else _lone_gradients
    for start in range(0, len(batch), size):
        piece = batch.trimmed(start, min(start + size, len(batch)))
        losses_B, gradients = take(recogniser, loss, piece, parameters, generator)
        if losses_B.shape != (len(piece),):
            raise ValueError(f"an objective under DP-SGD returns one loss an utterance, not {tuple(losses_B.shape)}")
        yield losses_B.detach(), recogniser.fits(piece), gradients


def _recorded_gradients(
    recogniser: Recogniser, loss: Loss, batch: Batch, parameters: list[nn.Parameter],
    generator: torch.Generator | None,
) -> PerExample:  # fmt: skip
    anchor = torch.zeros((), requires_grad=True)
    with recorded(recogniser, parameters, anchor) as gradients:
        losses_B = loss(recogniser, batch, generator)
        _, *outside = torch.autograd.grad(losses_B.sum(), [anchor, *parameters], allow_unused=True)
    if any(part is not None for part in outside):
        raise ValueError("an objective under DP-SGD may use parameters through their layers only")
    nothing = (len(batch),)
    return losses_B, [gradients.get(p, p.new_zeros(1).expand(*nothing, *p.shape)) for p in parameters]


def _lone_gradients(
    recogniser: Recogniser, loss: Loss, batch: Batch, parameters: list[nn.Parameter],
    generator: torch.Generator | None,
) -> PerExample:  # fmt: skip
    loss_B = loss(recogniser, batch, generator)
    found = torch.autograd.grad(loss_B.sum(), parameters, allow_unused=True)
    gradients = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
    return loss_B, [part[None] for part in gradients]


def _numbers(losses: Sequence[Tensor]) -> Tensor:
    return torch.cat([losses_B[losses_B.isfinite()] for losses_B in losses]) if losses else torch.zeros(0)
