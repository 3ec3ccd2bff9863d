"""What a row's choices stand for."""

from __future__ import annotations

from fedasr.common.errors import told_of
from fedasr.experiment.row_spec import RowSpec
from fedasr.protection.protection import Protection, build_protection
from fedasr.training.objectives.objective import Objective, build_objective


def objective_of(row: RowSpec) -> Objective:
    """Return the objective of a row.

    Raises
    ------
    UserError
        Where its name or an option is not known or is refused.
    """
    with told_of(f"compare.{row.name}"):
        return build_objective(row.objective, row.objective_options)


def protection_of(row: RowSpec) -> Protection:
    """Return the protection of a row; errors as `objective_of`."""
    with told_of(f"compare.{row.name}"):
        return build_protection(row.protection, row.protection_options)
