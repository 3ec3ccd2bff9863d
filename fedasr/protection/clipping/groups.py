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
    flat_GN : Tensor
        Their gradients, all trained parameters one after the other: many tensors are small.
    shapes : mapping of str to torch.Size
        Those of the trained parameters, in that order.
    """

    loss: float
    shares_G: Tensor
    flat_GN: Tensor
    shapes: Mapping[str, torch.Size]

    @classmethod
    def of(cls, learner: Learner, found: Sequence[Gradient], sizes: Sequence[int]) -> GroupGradients:
        """Return groups of so many utterances, whose gradients (one tensor a parameter of the model) these are."""
        trained = trained_parameters(learner.recogniser, learner.layers)
        places = [n for n, (name, _) in enumerate(learner.recogniser.named_parameters()) if name in trained]
        flat_GN = torch.cat([gradient[place].reshape(-1) for _, gradient in found for place in places])
        shares = [size / sum(sizes) for size in sizes]
        shares_G = torch.tensor(shares, dtype=torch.float64, device=flat_GN.device)
        shapes = {name: parameter.shape for name, parameter in trained.items()}
        loss = weighted_mean_of_known([loss for loss, _ in found], shares)
        return cls(loss, shares_G, flat_GN.view(len(found), -1), shapes)

    def norms(self, bounds: Bounds) -> Sequence[Tensor]:
        """Return them."""
        return [norms_of([block_GN]) for block_GN in self._blocks(bounds).values()]

    def cut(self, bounds: Bounds) -> CutGradient:
        """Return it."""
        blocks = self._blocks(bounds)
        total, _ = cut_sum(blocks, Bounds.of_each(dict(zip(blocks, bounds.values, strict=True))), self.shares_G)
        parts = torch.split(torch.cat(list(total.values())), [shape.numel() for shape in self.shapes.values()])
        return self.loss, {name: part.view(self.shapes[name]) for name, part in zip(self.shapes, parts, strict=True)}

    def _blocks(self, bounds: Bounds) -> dict[str, Tensor]:
        """Return the gradients of each block, by the first name in it."""
        names = [name for block in bounds.blocks for name in block.names]
        assert names == list(self.shapes), "blocks of a rule hold the parameters in their order"
        widths = [sum(self.shapes[name].numel() for name in block.names) for block in bounds.blocks]
        return dict(zip((block.names[0] for block in bounds.blocks), torch.split(self.flat_GN, widths, 1), strict=True))
