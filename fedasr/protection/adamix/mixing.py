"""What becomes of a noisy gradient: post-processing of a release, by public gradients."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from fedasr.protection.adamix.public import PublicGradients
from fedasr.protection.adamix.subspace import Subspace


def mixed(noisy: Sequence[Tensor], public: PublicGradients, dimensions: int, weight: float) -> list[Tensor]:
    """Return a noisy gradient, projected on a subspace of public gradients, and their mean added.

    Parameters
    ----------
    noisy : sequence of Tensor
        A release: the noise is in it.
    public : PublicGradients
    dimensions : int
        Of the subspace; 0 projects nothing.
    weight : float
        The factor of the mean; 0 adds nothing.
    """
    led = Subspace.of_longest(public.parts, dimensions).projected(noisy) if dimensions else list(noisy)
    if not weight:
        return led
    return [part + (weight * mean).to(part.dtype) for part, mean in zip(led, public.mean, strict=True)]
