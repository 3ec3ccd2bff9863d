"""Where a bound comes from: it is fixed, divided among layers, of public speech, or of the batch itself."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fedasr.protection.clipping.bounds import Bounds

Norms = Callable[[Bounds], Sequence[Tensor]]
"""From blocks to the norms of groups in each of them, float64."""


TOGETHER = "their root sum of squares"


class BoundRule(ABC):
    """A rule that bounds gradients.

    Attributes
    ----------
    is_public : bool
        Whether no private speech has a part in the bound. Otherwise it bounds nothing: one utterance moves it.
    """

    is_public: ClassVar[bool] = True

    @abstractmethod
    def blocks(self, sizes: Mapping[str, int]) -> Bounds:
        """Return the blocks of parameters that are cut by themselves, bounded as far as is known beforehand.

        Parameters
        ----------
        sizes : mapping of str to int
            Values of each parameter that is trained.
        """

    def of_stretch(self, bounds: Bounds, norms: Norms) -> Bounds:
        """Return the bounds of a stretch of training; by default those that were known.

        Parameters
        ----------
        bounds : Bounds
            What `blocks` returned.
        norms : callable
            Of groups of labelled public speech, at the weights of the stretch's start.
        """
        return bounds

    def of_batch(self, bounds: Bounds, norms: Norms) -> Bounds:
        """Return those of one batch; by default the stretch's."""
        return bounds

    @property
    def known(self) -> float | None:
        """The largest norm of a group's part, √ΣC_l², where it is known before anything is trained."""
        return None

    @property
    def length(self) -> str:
        """The same in words, where it is not known yet."""
        return "that"

    @abstractmethod
    def said(self) -> str:
        """Return the bound in words that follow "at"."""


@dataclass(frozen=True)
class Fixed(BoundRule):
    """One number.

    Parameters
    ----------
    clip_norm : float
    each : bool
        Whether it is every array's bound, and not that of all together.
    """

    clip_norm: float
    each: bool = False

    def blocks(self, sizes: Mapping[str, int]) -> Bounds:
        """Return it."""
        return _blocks(sizes, self.clip_norm, self.each)

    @property
    def known(self) -> float | None:
        """It, where it is that of all together; where nothing is cut that is infinity, however it is divided."""
        return None if self.each and math.isfinite(self.clip_norm) else self.clip_norm

    @property
    def length(self) -> str:
        """The length of all arrays at their bounds."""
        return TOGETHER

    def said(self) -> str:
        """Return it."""
        return f"{self.clip_norm:g} an array" if self.each else f"{self.clip_norm:g}"


@dataclass(frozen=True)
class PerLayer(BoundRule):
    """One number, divided among the arrays (see `Bounds.per_layer`).

    Parameters
    ----------
    clip_norm : float
    split : str
    """

    clip_norm: float
    split: str

    def blocks(self, sizes: Mapping[str, int]) -> Bounds:
        """Divide it."""
        return Bounds.per_layer(sizes, self.clip_norm, self.split)

    @property
    def known(self) -> float | None:
        """The number that is divided."""
        return self.clip_norm

    def said(self) -> str:
        """Return it."""
        return f"{self.clip_norm:g} in all, divided among the arrays {self.split.replace('-', ' ')}"


@dataclass(frozen=True)
class PublicQuantile(BoundRule):
    """A quantile of the norms of groups of public speech (as in AdaMix, Golatkar et al. 2022, arXiv 2203.11481).

    Groups of which nothing can be learnt have no part in it; where all are such, nothing is cut.

    Parameters
    ----------
    quantile : float
    each : bool
        Whether each array has its own.
    """

    quantile: float
    each: bool = False

    def blocks(self, sizes: Mapping[str, int]) -> Bounds:
        """Return none yet."""
        return _blocks(sizes, math.inf, self.each)

    def of_stretch(self, bounds: Bounds, norms: Norms) -> Bounds:
        """Return the quantile of the norms that are finite and above 0; infinity where none is."""
        found = map(_of_learnt, norms(bounds))
        return bounds.with_bounds([float(torch.quantile(n, self.quantile)) if len(n) else math.inf for n in found])

    @property
    def length(self) -> str:
        """It, or the length of all arrays at their bounds."""
        return TOGETHER if self.each else "that"

    def said(self) -> str:
        """Return which quantile."""
        return f"the {self.quantile:g} quantile of public norms" + (" of each array" if self.each else "")


@dataclass(frozen=True)
class Least(BoundRule):
    """The least norm among the batch's groups (Wang et al. 2024, arXiv 2406.02004, section 2).

    It depends on private data: one utterance with a small gradient shrinks all others. Groups of which nothing can be
    learnt (more tokens than frames) have no part in it. A batch of a single group is not cut.
    """

    is_public: ClassVar[bool] = False

    def blocks(self, sizes: Mapping[str, int]) -> Bounds:
        """Return none yet."""
        return Bounds.of_all(sizes, math.inf)

    def of_batch(self, bounds: Bounds, norms: Norms) -> Bounds:
        """Return the least of the norms that are finite and above 0; infinity where none is: nothing is to be cut."""
        return bounds.with_bounds([float(n.min()) if len(n) else math.inf for n in map(_of_learnt, norms(bounds))])

    def said(self) -> str:
        """Return what it is."""
        return "the least norm of the batch"


def _of_learnt(norms_G: Tensor) -> Tensor:
    """Return the norms of groups of which something can be learnt."""
    return norms_G[norms_G.isfinite() & (norms_G > 0)]


def _blocks(sizes: Mapping[str, int], clip_norm: float, each: bool) -> Bounds:
    return Bounds.of_each(dict.fromkeys(sizes, clip_norm)) if each else Bounds.of_all(sizes, clip_norm)
