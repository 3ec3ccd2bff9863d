"""The one place where a norm is taken and cut: of gradients, group by group, and of what a silo sends.

==================  ============================================================
norm at most C      left as it is
norm above C        scaled by C / norm: the direction stays (within a block)
C = 0               zero
C infinite          left as it is
norm not finite     the whole part counts as zero, which is within any bound
==================  ============================================================

Norms and factors are of float64, where squares of float32 neither overflow nor vanish.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.common.files import Arrays
from fedasr.protection.clipping.bounds import Bounds

AT_ONCE = 1 << 17
"""Values that are in float64 at once: they stay in the processor's cache."""
Cut = tuple[dict[str, Tensor], Tensor]
"""The sum of what was cut, float64, by parameter; and the norms of the groups before, float64."""


def cut_sum(parts: Mapping[str, Tensor], bounds: Bounds, weights_G: Tensor | None = None) -> Cut:
    """Return the sum over groups of their gradients, cut, in float64.

    Parameters
    ----------
    parts : mapping of str to Tensor
        Each parameter's gradients, the groups along the first axis.
    bounds : Bounds
    weights_G : Tensor of float64, optional
        What a group counts in the sum: public numbers.
    """
    norms = [norms_of([parts[name] for name in block.names]) for block in bounds.blocks]
    norms_G = torch.stack(norms).square().sum(0).sqrt() if len(norms) > 1 else norms[0]
    total = {}
    for block, own_G in zip(bounds.blocks, norms, strict=True):
        factors_G = torch.where(norms_G.isfinite(), factors_of(own_G, block.bound), 0.0)
        weighted_G = factors_G if weights_G is None else factors_G * weights_G
        total.update({name: weighted_sum(parts[name], weighted_G) for name in block.names})
    return total, norms_G


def norms_of(parts: Sequence[Tensor]) -> Tensor:
    """Return the norm of each group over all parts together, in float64; groups stand along the first axis."""
    squares = [torch.linalg.vector_norm(some, dim=1).square_() for part in parts for some in _in_double(_rows(part))]
    return torch.stack(squares).sum(0).sqrt()


def factors_of(norms_G: Tensor, bound: float) -> Tensor:
    """Return the factor of each group: at most 1, and 0 where the gradient is not finite."""
    needed_G = torch.where(norms_G > bound, bound / norms_G, 1.0)
    return torch.where(norms_G.isfinite(), needed_G, 0.0)


def weighted_sum(part: Tensor, factors_G: Tensor) -> Tensor:
    """Return the sum over groups of a part, each times its factor, in float64; what counts zero may hold anything."""
    rows, left_out_G1 = _rows(part), ~(factors_G > 0)[:, None]
    any_left_out = bool(left_out_G1.any())
    total = torch.empty(rows.shape[1], dtype=torch.float64, device=part.device)
    for some, some_total in zip(_in_double(rows), torch.split(total, _columns(rows)), strict=True):
        if any_left_out:
            some.masked_fill_(left_out_G1, 0.0)  # NaN times 0 is NaN
        torch.mv(some.T, factors_G, out=some_total)
    return total.view(part.shape[1:])


def _rows(part: Tensor) -> Tensor:
    # Of no groups reshape would not know the width.
    return part.flatten(1) if part.dim() > 1 else part[:, None]


def _in_double(rows_GN: Tensor) -> Iterator[Tensor]:
    """Yield some columns after another in float64, each in the place of those before: fresh memory is slow."""
    columns = _columns(rows_GN)
    place = torch.empty(len(rows_GN), columns, dtype=torch.float64, device=rows_GN.device)
    for some in torch.split(rows_GN, columns, 1):
        yield place[:, : some.shape[1]].copy_(some)


def _columns(rows_GN: Tensor) -> int:
    return max(1, min(rows_GN.shape[1], AT_ONCE // max(1, len(rows_GN))))


def array_norms(arrays: Arrays, bounds: Bounds) -> list[float]:
    """Return the norm of each block of some arrays, in float64; not finite where one of its values is not."""
    with np.errstate(over="ignore"):
        return [math.sqrt(sum(_square(arrays[name]) for name in block.names)) for block in bounds.blocks]


def cut_arrays(arrays: Arrays, bounds: Bounds, norms: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Return arrays cut to their bounds, of float64 where they are scaled and the same where not.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    bounds : Bounds
    norms : sequence of float
        What `array_norms` says of them. Where one is not finite, all arrays are zero.
    """
    if not all(map(math.isfinite, norms)):
        return {name: np.zeros(array.shape) for name, array in arrays.items()}
    factor = {
        name: block.bound / norm if norm > block.bound else None
        for block, norm in zip(bounds.blocks, norms, strict=True)
        for name in block.names
    }
    return {name: _scaled(array, factor[name]) for name, array in arrays.items()}


def _scaled(array: NDArray[Any], factor: float | None) -> NDArray[Any]:
    return array if factor is None else np.multiply(array, factor, dtype=np.float64)


def _square(array: NDArray[Any]) -> float:
    return float(np.square(array, dtype=np.float64).sum())
