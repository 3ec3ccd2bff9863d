"""What a row's choices stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fedasr.common.errors import UserError, told_of
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.strategy_options import strategy_of
from fedasr.protection.protection import Protection, build_protection
from fedasr.training.objectives.objective import Objective, build_objective
from fedasr.wire.codec import Codec
from fedasr.wire.codecs_by_name import build_codec


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


def named_codec(row: RowSpec) -> Codec | None:
    """Return the codec that a row names, None where it leaves the choice to its strategy; errors as `objective_of`."""
    if row.codec != "auto":
        with told_of(f"compare.{row.name}"):
            return build_codec(row.codec, row.codec_options, "codec_options")
    if row.codec_options:
        raise UserError(f"compare.{row.name}: codec_options need the codec they are for; set codec")
    return None


def wrong_choices(rows: Iterable[RowSpec]) -> list[str]:
    """Return what is wrong with the strategies, objectives, protections and codecs of rows, a line each."""
    choices = (strategy_of, objective_of, named_codec, protection_of)
    return [line for row in rows for choice in choices for line in _told(choice, row)]


def _told(choice: Callable[[RowSpec], object], row: RowSpec) -> tuple[str, ...]:
    try:
        choice(row)
    except UserError as error:
        return error.lines
    return ()
