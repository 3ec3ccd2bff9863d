"""Bounds of norms: blocks of parameters, and the largest L2 norm of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fedasr.common.errors import UserError


@dataclass(frozen=True)
class BoundedBlock:
    """Parameters whose norm is taken together, and its bound.

    Parameters
    ----------
    names : tuple of str
    bound : float
        At least 0; infinity cuts nothing.
    """

    names: tuple[str, ...]
    bound: float

    def __post_init__(self) -> None:
        if math.isnan(self.bound) or self.bound < 0:
            raise UserError(f"clip_norm = {self.bound}: must be at least 0")


@dataclass(frozen=True)
class Bounds:
    """How long what one group gives may be, block by block.

    Each block is cut by itself, so that all of it together is at most √ΣC_l² long.

    Parameters
    ----------
    blocks : tuple of BoundedBlock
        Every parameter is in one of them.
    """

    blocks: tuple[BoundedBlock, ...]

    @classmethod
    def of_all(cls, names: Iterable[str], clip_norm: float) -> Bounds:
        """Return one bound for the norm of all parameters together."""
        return cls((BoundedBlock(tuple(names), clip_norm),))

    @classmethod
    def of_each(cls, bounds: Mapping[str, float]) -> Bounds:
        """Return a bound for each parameter."""
        return cls(tuple(BoundedBlock((name,), bound) for name, bound in bounds.items()))

    @classmethod
    def per_layer(cls, sizes: Mapping[str, int], clip_norm: float, split: str = "by-size") -> Bounds:
        """Return a bound for each array of a model, so divided that all together are at most `clip_norm` long.

        Parameters
        ----------
        sizes : mapping of str to int
            Values of each array.
        clip_norm : float
        split : str
            ``"by-size"``: an array's squared bound is its share of the values, so that noise, which is as large on
            every value, is as large beside each array's bound; ``"equal"``: all have the same bound (McMahan et al.
            2018, arXiv 1710.06963, section 3).
        """
        share_of = SPLITS[split]
        weights = {name: share_of(size) for name, size in sizes.items()}
        total = math.fsum(weights.values())
        return cls.of_each(
            {n: clip_norm * math.sqrt(weight / total) if weight else 0.0 for n, weight in weights.items()}
        )

    @classmethod
    def divided(cls, sizes: Mapping[str, int], clip_norm: float, layer_bounds: str) -> Bounds:
        """Return bounds for the arrays of what a silo sends: one for all, or as `per_layer` divides it."""
        return (
            cls.of_all(sizes, clip_norm) if layer_bounds == NO_LAYERS else cls.per_layer(sizes, clip_norm, layer_bounds)
        )

    def with_bounds(self, bounds: Sequence[float]) -> Bounds:
        """Return the same blocks with other bounds, in their order."""
        return Bounds(tuple(replace(block, bound=bound) for block, bound in zip(self.blocks, bounds, strict=True)))

    @property
    def values(self) -> tuple[float, ...]:
        """Each block's bound."""
        return tuple(block.bound for block in self.blocks)

    @property
    def sensitivity(self) -> float:
        """The largest norm of all blocks together, √ΣC_l²: how far adding or removing one such part moves a sum."""
        return math.hypot(*self.values)


NO_LAYERS = "none"
"""Not divided: one bound for all arrays together."""
SPLITS: Mapping[str, Callable[[int], float]] = {"by-size": float, "equal": lambda size: 1.0}
"""Ways to divide a squared bound among arrays, by how many values they hold."""
