"""Whether enough of the silos that were asked to train did."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from fedasr.common.errors import RowError
from fedasr.grid.exchange import Outcome
from fedasr.server.central import Central

log = logging.getLogger("fedasr")


def check_attendance(central: Central, round: int, outcomes: Sequence[Outcome]) -> None:
    """Log the silos that did not reply.

    Raises
    ------
    RowError
        Where too few did.
    """
    failed = [outcome for outcome in outcomes if outcome.content is None]
    answered = len(outcomes) - len(failed)
    for outcome in failed:
        level, what = (logging.DEBUG, "") if outcome.dropped_out else (logging.WARNING, "refused: ")
        silo = outcome.request.silo
        log.log(level, "%s, round %d: silo %d %s%s", central.row.name, round, silo, what, outcome.error)
    if outcomes and answered < max(1, central.training.least_replies * len(outcomes)):
        raise RowError(
            f"round {round}: only {answered} of {len(outcomes)} silos replied "
            f"(silo {failed[0].request.silo}: {failed[0].error})"
        )
