"""How a batch's gradients are taken: as a whole, in groups, or each utterance's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import chain

import torch

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.protection.clipping.granularity import WHOLE, Granularity
from fedasr.protection.clipping.groups import GroupGradients, Groups
from fedasr.training.gradients import Gradient, lanes_gradient
from fedasr.training.learner import Learner


@dataclass(frozen=True)
class Shared:
    """A batch that lanes share.

    Parameters
    ----------
    batches : sequence of Batch
        Each lane's part.
    masks : sequence of torch.Generator or None
        The source of dropout masks of each lane, at least as many.
    models : sequence of Recogniser
        One a lane, at least as many, all of the same parameters.
    executor : Executor
        Computes lanes side by side.
    """

    batches: Sequence[Batch]
    masks: Sequence[torch.Generator | None]
    models: Sequence[Recogniser]
    executor: Executor

    def __len__(self) -> int:
        return sum(map(len, self.batches))


class Taking(ABC):
    """How a batch is shared among lanes, and what its groups' gradients are.

    Attributes
    ----------
    granularity : Granularity
    """

    granularity: Granularity

    @abstractmethod
    def lanes(self, indices: Sequence[int], count: int) -> list[list[int]]:
        """Return the places of a batch's examples, lane by lane, none of them empty."""

    def models(self, recogniser: Recogniser, count: int) -> Sequence[Recogniser]:
        """Return a recogniser for each lane; one for all, unless lanes change it for a while."""
        return (recogniser,) * count

    @abstractmethod
    def groups(self, learner: Learner, shared: Shared) -> Groups:
        """Return the groups of a batch."""


@dataclass(frozen=True)
class TakenWhole(Taking):
    """One group: exactly the gradient that plain training takes."""

    granularity: Granularity = field(default=WHOLE, init=False)

    def lanes(self, indices: Sequence[int], count: int) -> list[list[int]]:
        """Divide it as plain training does."""
        return [list(indices[lane::count]) for lane in range(min(count, len(indices)))]

    def groups(self, learner: Learner, shared: Shared) -> Groups:
        """Return the group."""
        batches, masks = shared.batches, shared.masks[: len(shared.batches)]
        if len(shared.masks) == 1:
            return GroupGradients.of(learner, [learner.gradient(batches[0], masks[0])], [len(shared)])
        gradient = lanes_gradient(learner.gradient, batches, masks, shared.executor)
        return GroupGradients.of(learner, [gradient], [len(shared)])


@dataclass(frozen=True)
class TakenApart(Taking):
    """Groups of several utterances, shared among the lanes.

    Parameters
    ----------
    granularity : Granularity
    """

    granularity: Granularity

    def lanes(self, indices: Sequence[int], count: int) -> list[list[int]]:
        """Give the lanes whole groups in turn."""
        groups = self.granularity.divided(indices)
        return [list(chain.from_iterable(groups[lane::count])) for lane in range(min(count, len(groups)))]

    def groups(self, learner: Learner, shared: Shared) -> Groups:
        """Return the groups, lane after lane."""
        sizes = list(map(len, self.granularity.divided(range(len(shared)))))
        by_lane = [sizes[lane :: len(shared.masks)] for lane in range(len(shared.batches))]
        jobs = [
            shared.executor.submit(one_by_one, learner, batch, own, masks)
            for batch, own, masks in zip(shared.batches, by_lane, shared.masks, strict=False)
        ]
        found = list(chain.from_iterable(job.result() for job in jobs))
        return GroupGradients.of(learner, found, list(chain.from_iterable(by_lane)))


def one_by_one(learner: Learner, batch: Batch, sizes: Sequence[int], masks: torch.Generator | None) -> list[Gradient]:
    """Return the gradients of groups that stand one after the other in a batch, each by a pass of its own."""
    found, start = [], 0
    for size in sizes:
        group = batch if size == len(batch) else batch.trimmed(start, start + size)
        found.append(learner.gradient(group, masks))
        start += size
    return found
