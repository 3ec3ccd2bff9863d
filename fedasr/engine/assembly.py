"""What a row is put together from: its silos, their protection, its grid and its centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedasr.common.randomness import Streams
from fedasr.engine.preparation import Prepared
from fedasr.experiment.row import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.server.strategies_by_name import build_strategy, codec_of
from fedasr.silo.host import SiloHost

if TYPE_CHECKING:
    from fedasr.protection.dp_sgd.silos import SiloProtection


def silo_protection(prepared: Prepared, row: RowSpec, training: TrainingSpec) -> SiloProtection | None:
    """Return what protects speech inside the silos, None where nothing does."""
    if row.protection == "none":
        return None
    from fedasr.protection.dp_sgd.settings import ProtectionSpec
    from fedasr.protection.dp_sgd.silos import SiloProtection  # Opacus, below it, takes seconds to import

    spec = ProtectionSpec.of(row.protection_options, f"compare.{row.name}")
    smallest = min(len(ids) for ids in prepared.partition.silos)
    return SiloProtection(spec, smallest, training.rounds * training.local_steps)


def silo_host(prepared: Prepared, row: RowSpec, seed: int) -> SiloHost:
    """Return what all silos of a row share."""
    training = prepared.experiment.training_of(row)
    strategy = build_strategy(row, training, len(prepared.partition.silos))
    return SiloHost(
        prepared.folder, prepared.partition, prepared.recogniser_spec, prepared.tokens,
        training, prepared.experiment.augment, row.objective,
        Streams(seed, row.name), codec_of(row, strategy), prepared.experiment.reproducible_noise,
        silo_protection(prepared, row, training),
    )  # fmt: skip
