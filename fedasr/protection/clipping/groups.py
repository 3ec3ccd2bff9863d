"""The gradients of a batch's groups, each that of the mean of its own utterances' losses, and their cut sum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.clipping.cut import cut_sum, norms_of
from fedasr.training.gradients import Gradient
from fedasr.training.learner import Learner
from fedasr.training.losses import weighted_mean_of_known
from fedasr.training.parameters import trained_parameters

CutGradient = tuple[float, Mapping[str, Tensor]]
"""A mean loss, and the groups' gradients, cut and summed by their shares of the batch, float64, by parameter."""


class Groups(ABC):
    """The groups of one batch."""

    @abstractmethod
    def norms(self, bounds: Bounds) -> Sequence[Tensor]:
        """Return the groups' norms in each block, float64."""

    @abstractmethod
    def cut(self, bounds: Bounds) -> CutGradient:
        """Return the mean of the groups' gradients, each cut, by their shares of the batch, which are public."""


@dataclass(frozen=True)
class GroupGradients(Groups):
    """Groups whose gradients are there.

    Parameters
    ----------
    loss : float
        The mean over what can be learnt, by the groups' shares.
    shares_G : Tensor of float64
        Each group's utterances by those of the batch.
    parts : mapping of str to Tensor
        Each trained parameter's gradients, the groups along the first axis.
    """

    loss: float
    shares_G: Tensor
    parts: Mapping[str, Tensor]

    @classmethod
    def of(cls, learner: Learner, found: Sequence[Gradient], sizes: Sequence[int]) -> GroupGradients:
        """Return groups of so many utterances, whose gradients (one tensor a parameter of the model) these are."""
        shares = [size / sum(sizes) for size in sizes]
        names = (name for name, _ in learner.recogniser.named_parameters())
        stacks = zip(names, zip(*[gradient for _, gradient in found], strict=True), strict=True)
        trained = trained_parameters(learner.recogniser, learner.layers)
        parts = {name: torch.stack(stack) for name, stack in stacks if name in trained}
        loss = weighted_mean_of_known([loss for loss, _ in found], shares)
        return cls(loss, torch.tensor(shares, dtype=torch.float64, device=learner.recogniser.device), parts)

    def norms(self, bounds: Bounds) -> Sequence[Tensor]:
        """Return them."""
        return [norms_of([self.parts[name] for name in block.names]) for block in bounds.blocks]

    def cut(self, bounds: Bounds) -> CutGradient:
        """Return it."""
        return self.loss, cut_sum(self.parts, bounds, self.shares_G)[0]
