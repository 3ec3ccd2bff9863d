"""The subspace of the directions in which public gradients are longest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

SMALLEST = 1e-9
"""Squared singular values below this share of the largest are rounding: their directions are left out."""


@dataclass(frozen=True)
class Subspace:
    """The span of the first right singular vectors V of the matrix G of some gradients, one a row (B × d).

    V is never made: with the eigenvectors U of G Gᵀ (B × B) and the singular values S, V Vᵀ = Gᵀ U S⁻² Uᵀ G, whatever
    the signs of U. Float64.

    Parameters
    ----------
    parts : sequence of Tensor
        G, parameter by parameter, the examples along the first axis. All finite.
    inner_BB : Tensor of float64
        U S⁻² Uᵀ.
    dimensions : int
    """

    parts: Sequence[Tensor]
    inner_BB: Tensor
    dimensions: int

    @classmethod
    def of_longest(cls, parts: Sequence[Tensor], most: int) -> Subspace:
        """Return the subspace of so many dimensions; fewer, where the gradients span fewer."""
        gram_BB = sum((rows @ rows.T for rows in map(_rows, parts)), torch.zeros((), dtype=torch.float64))
        squares, vectors_BB = torch.linalg.eigh(gram_BB)
        kept = squares[-most:] > SMALLEST * squares[-1:]
        squares_K, vectors_BK = squares[-most:][kept], vectors_BB[:, -most:][:, kept]
        return cls(parts, vectors_BK / squares_K @ vectors_BK.T, len(squares_K))

    def projected(self, gradient: Sequence[Tensor]) -> list[Tensor]:
        """Return V Vᵀ g."""
        pairs = zip(self.parts, gradient, strict=True)
        along_B = torch.stack([_rows(part) @ flat.double().reshape(-1) for part, flat in pairs]).sum(0)
        weights_B = self.inner_BB @ along_B
        return [
            (weights_B @ _rows(part)).view(like.shape).to(like.dtype)
            for part, like in zip(self.parts, gradient, strict=True)
        ]

    def overlap(self, other: Subspace) -> float:
        """Return the mean squared cosine of the principal angles between two subspaces.

        That is tr(P P'), of the projections, over the lesser dimension; 0 where one of them has no dimension.
        """
        cross_BB = sum((_rows(a) @ _rows(b).T for a, b in zip(self.parts, other.parts, strict=True)), torch.zeros(()))
        shared = (self.inner_BB @ cross_BB @ other.inner_BB * cross_BB).sum()
        return float(shared) / max(min(self.dimensions, other.dimensions), 1)


def _rows(part: Tensor) -> Tensor:
    return part.flatten(1).double() if part.dim() > 1 else part[:, None].double()
