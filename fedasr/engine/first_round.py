"""The messages of a row's first round, made again: what an eavesdropper on the links would have seen."""

from __future__ import annotations

from dataclasses import replace

from flwr.app import ConfigRecord

from fedasr.common.errors import UserError
from fedasr.common.randomness import seeded_libraries
from fedasr.engine.assembly import Assembly
from fedasr.grid.exchange import Answers
from fedasr.messages.records import array_record
from fedasr.server.foreign.own_loop import has_own_start, wants_central


def first_round(parts: Assembly) -> Answers:
    """Have the silos of a row answer the messages of its first round again.

    Every reply comes whole, as it arrived: encoded and decoded by the row's codec. The same silos are drawn, and their
    replies have the bits they had. Of later rounds a run keeps no model to begin from.

    Parameters
    ----------
    parts : Assembly
        Of a row that was reopened (`fedasr.engine.reopen.FinishedRow.parts`).

    Raises
    ------
    UserError
        Where the messages do not follow from the start alone, or hold noise of a secure source: drawn again, they
        would be further releases.
    """
    name = parts.row.name
    is_round = not (wants_central(parts.strategy) or has_own_start(parts.strategy))
    if not is_round or parts.boundary is not None:
        raise UserError(f"{name}: the strategy does not go by rounds of Flower's; read its releases instead")
    if parts.host.plan.guarantee is not None and not parts.host.reproducible_noise:
        raise UserError(f"{name}: its messages hold noise that cannot be drawn again; they are not to be had twice")
    grid = parts.grid(replace(parts.rules, before_training=None))
    parts.inherit_states(grid)
    with seeded_libraries(parts.streams.sequence("strategy", 1)):
        arrays = array_record(parts.begins_from)
        messages = list(parts.strategy.configure_train(1, arrays, ConfigRecord(), grid.of_round(1)))
    return grid.exchange(messages, round=1, timeout=parts.training.timeout_seconds)
