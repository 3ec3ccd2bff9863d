"""The protection of a row: what it names, or what its strategy is made for."""

from __future__ import annotations

from flwr.serverapp.strategy import Strategy

from fedasr.common.errors import UserError
from fedasr.experiment.choices import protection_of
from fedasr.experiment.row_spec import RowSpec
from fedasr.protection.protection import PROTECTIONS, Protection


def row_protection(row: RowSpec, strategy: Strategy) -> Protection:
    """Return the protection of a row; a strategy that is made for one has it as its attribute ``protection``.

    Raises
    ------
    UserError
        Where there is none of that name, an option is refused, or both name one.
    """
    named, own = protection_of(row), getattr(strategy, "protection", None)
    if not isinstance(own, Protection):
        return named
    if named.protects:
        raise UserError(
            f"compare.{row.name}.protection: '{row.protection}' cannot be had beside the protection that "
            f"{row.strategy} is made for; leave one out"
        )
    return own


def protection_name(row: RowSpec, strategy: Strategy) -> str:
    """Return the name of a row's protection."""
    found = row_protection(row, strategy)
    return row.protection if found == protection_of(row) else PROTECTIONS.name_of(type(found))
