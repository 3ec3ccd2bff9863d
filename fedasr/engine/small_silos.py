"""Which silos hold less speech than a batch of their rows is to have."""

from __future__ import annotations

from fedasr.engine.preparation import Prepared
from fedasr.experiment.choices import protection_of
from fedasr.experiment.row_spec import RowSpec
from fedasr.server.foreign.own_loop import wants_central
from fedasr.server.strategies_by_name import build_strategy


def smaller_batches(prepared: Prepared) -> str:
    """Return in how many silos a batch is all that there is, and less than was asked for; nothing where in none."""
    sizes = [len(silo) for silo in prepared.partition.silos if silo]
    asked = max((_batch(prepared, row) for row in prepared.experiment.compare), default=0)
    small = [size for size in sizes if size < asked]
    if not small:
        return ""
    return (
        f"training.batch_size is {asked}, and {len(small)} of {len(sizes)} silos hold fewer utterances, the smallest "
        f"{min(small)}: all that they hold is a batch"
    )


def _batch(prepared: Prepared, row: RowSpec) -> int:
    """Return how many utterances a silo is to train on at once; 0 where no number says it, or no silo trains so."""
    training = prepared.experiment.training_of(row)
    strategy = build_strategy(row, training, len(prepared.partition.silos))
    trains = getattr(strategy, "protected", "") is not None and not wants_central(strategy)
    is_counted = not training.batch_seconds and protection_of(row).lot is None
    return training.batch_size if trains and is_counted else 0
