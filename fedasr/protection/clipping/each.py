"""Each utterance's own gradient, cut, in pieces: all of them are never in memory together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

from fedasr.asr.recogniser import Recogniser
from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.clipping.granularity import EACH, Granularity
from fedasr.protection.clipping.groups import CutGradient, Groups
from fedasr.protection.clipping.taking import Shared, Taking
from fedasr.training.learner import Learner
from fedasr.training.parameters import trained_parameters

if TYPE_CHECKING:
    from fedasr.protection.per_example.clipping import ClippedSum


@dataclass(frozen=True)
class TakenEach(Taking):
    """Groups of one."""

    granularity: Granularity = field(default=EACH, init=False)

    def lanes(self, indices: Sequence[int], count: int) -> list[list[int]]:
        """Divide the batch as plain training does."""
        return [list(indices[lane::count]) for lane in range(min(count, len(indices)))]

    def models(self, recogniser: Recogniser, count: int) -> Sequence[Recogniser]:
        """Return one a lane: recording each utterance's gradient changes a recogniser."""
        from fedasr.protection.per_example.lanes import lane_models  # Opacus, below it, takes seconds to import

        return lane_models(recogniser, count)

    def groups(self, learner: Learner, shared: Shared) -> Groups:
        """Return them: nothing is computed yet."""
        return _Each(learner, shared)


@dataclass(frozen=True)
class _Each(Groups):
    learner: Learner
    shared: Shared

    def norms(self, bounds: Bounds) -> Sequence[Tensor]:
        """Return the norms of whole gradients; the masks are left where they were, to be drawn again."""
        drawn = [masks for masks in self.shared.masks if masks is not None]
        states = [masks.get_state() for masks in drawn]
        found = self._sum(Bounds.of_all(self._names, math.inf)).norms_B
        for masks, state in zip(drawn, states, strict=True):
            masks.set_state(state)
        return [found]

    def cut(self, bounds: Bounds) -> CutGradient:
        """Return the mean."""
        total = self._sum(bounds)
        means = [part / len(self.shared) for part in total.gradient]
        return total.loss, dict(zip(self._names, means, strict=True))

    @property
    def _names(self) -> list[str]:
        return list(trained_parameters(self.learner.recogniser, self.learner.layers))

    def _sum(self, bounds: Bounds) -> ClippedSum:
        from fedasr.protection.per_example.lanes import clipped_lanes_sum

        loss, shared = self.learner.objective.losses, self.shared
        return clipped_lanes_sum(
            shared.models, loss, shared.batches, bounds, shared.masks, shared.executor, self.learner.layers
        )
