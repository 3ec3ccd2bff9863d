"""Public-only: the start, as it is. What any private or federated training has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result

from fedasr.common.settings import Settings
from fedasr.experiment.training import TrainingSpec
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with
from fedasr.server.work.recipe import Recipe
from fedasr.server.work.workload import Asked, RowWork
from fedasr.student.trainer import TrainerSpec


@dataclass(frozen=True)
class PublicOnlySettings(Settings):
    """There are none."""


class PublicOnly(CentralStrategy):
    """Trains on nothing beyond the labelled public speech that every row starts from.

    Parameters
    ----------
    settings : PublicOnlySettings, optional
    """

    settings_class: ClassVar[type[Settings]] = PublicOnlySettings

    def __init__(self, settings: PublicOnlySettings | None = None) -> None:
        self.settings = settings or PublicOnlySettings()

    def workload(self, asked: Asked) -> RowWork:
        """Return that it takes nothing."""
        return RowWork(key="")

    def recipe(self, training: TrainingSpec, central: TrainerSpec) -> Recipe:
        """Return that it does not train."""
        return Recipe()

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Return the start."""
        central.after_round(0, 0, lambda: central.start, lambda: None)
        return result_with(initial_arrays)
