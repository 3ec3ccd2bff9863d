"""A row's protection, sized for its silos, and how many there are of whom it protects."""

from __future__ import annotations

from collections.abc import Sequence

from flwr.serverapp.strategy import Strategy

from fedasr.experiment.choices import protection_of
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.protection.boundary import Boundary
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.server.protected.coverage import boundary_protection
from fedasr.server.strategies_by_name import sampled


def sized_plan(sizes: Sequence[int], row: RowSpec, training: TrainingSpec, stretches: int = 1) -> GradientPlan:
    """Return the row's protection, sized for its smallest silo and for the steps that each silo takes.

    Parameters
    ----------
    sizes : sequence of int
        The utterances of each silo; of silos whose nodes have not said it, none can hold less than one.
    row : RowSpec
    training : TrainingSpec
    stretches : int
        How often the row's algorithm takes the local steps of a round (`fedasr.messages.kinds.Kind`).
    """
    return protection_of(row).plan(min(sizes) or 1, 0, training.rounds * training.local_steps * stretches)


def sized_boundary(row: RowSpec, strategy: Strategy, training: TrainingSpec, silos: int) -> Boundary | None:
    """Return the row's protection, sized, where it is one at the silos' boundary.

    Raises
    ------
    RowError
        Where no noise keeps the target.
    """
    protection = boundary_protection(row, strategy)
    return protection.boundary(sampled(training, silos) / silos, training.rounds) if protection else None


def units_of(sizes: Sequence[int]) -> dict[str, int]:
    """Return how many silos there are, and utterances in all of them: δ must be far smaller than one over them."""
    return {"silo": len(sizes), "utterance": sum(sizes) or 1}
