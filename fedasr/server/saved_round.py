"""A round that has ended, saved with the strategy and gone on from; or a line that says why that is not possible."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flwr.serverapp.strategy import Strategy
from numpy.typing import NDArray

from fedasr.runs.row_folder import RowFolder
from fedasr.server.central import Central
from fedasr.server.strategy_state import UnsavableError, check, restore, state_of

log = logging.getLogger("fedasr")


def saved(strategy: Strategy, beside: Any, central: Central) -> Mapping[str, NDArray[Any]] | None:
    """Return a strategy and what else goes on with it as arrays; None, said once, where it cannot be saved."""
    try:
        return state_of(strategy, beside)
    except UnsavableError as error:
        if central.folder.unsaved() is None:
            log.warning("%s: no checkpoint, a resumed row begins anew: %s", central.row.name, error)
            central.folder.cannot_save(str(error))
        return None


def resumed(strategy: Strategy, central: Central) -> tuple[int, Any] | None:
    """Restore a strategy, and return the round that was saved and what was beside it; None where the row begins."""
    found = central.resume()
    return None if found is None else (found[0], restore(strategy, found[1]))


def forget_what_cannot_be_restored(strategy: Strategy, name: str, folder: RowFolder) -> None:
    """Have a row begin anew, and say so, whose checkpoint the strategy cannot take back or that could not be saved."""
    found = folder.load_checkpoint()
    if found is not None:
        try:
            check(strategy, found[0])
        except UnsavableError as error:
            folder.cannot_save(str(error))
            folder.forget_checkpoint()
    if folder.load_checkpoint() is None and folder.rounds() and (reason := folder.unsaved()) is not None:
        log.warning("%s begins anew: %s", name, reason)
        folder.begin_anew()
