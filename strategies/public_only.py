"""Public-only: the start, as it is or trained further. What any private or federated training has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result

from fedasr.asr.recogniser import Weights
from fedasr.common.settings import Settings, number
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.records import array_record
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with
from fedasr.server.work.recipe import Recipe
from fedasr.server.work.workload import Asked, RowWork
from fedasr.student.trainer import TrainerSpec


@dataclass(frozen=True)
class PublicOnlySettings(Settings):
    """How long it trains, and how often it is looked at.

    Parameters
    ----------
    epochs : int
        Passes over the public speech beyond the start, by ``[central]``; 0 takes the start as it is.
    evaluate_every : int
        Epochs between evaluations on the development speakers.
    """

    epochs: int = number(0, least=0)
    evaluate_every: int = number(10, least=1)


class PublicOnly(CentralStrategy):
    """Trains on nothing but the labelled public speech that every row starts from.

    By the objective ``self-trained`` it learns public unlabelled speech beside it, as the start hears it.

    Parameters
    ----------
    settings : PublicOnlySettings, optional
    """

    settings_class: ClassVar[type[Settings]] = PublicOnlySettings
    reads_rounds: ClassVar[bool] = False
    """It trains for epochs."""
    protected: ClassVar[str | None] = None

    def __init__(self, settings: PublicOnlySettings | None = None) -> None:
        self.settings = settings or PublicOnlySettings()

    @property
    def is_self_taught(self) -> bool:
        """Whether it trains by what the start hears in public speech, where the objective asks for that."""
        return self.settings.epochs > 0

    def workload(self, asked: Asked) -> RowWork:
        """Return that it takes nothing."""
        return RowWork(key="")

    def recipe(self, training: TrainingSpec, central: TrainerSpec) -> Recipe:
        """Return how the centre trains, if at all."""
        return Recipe.of_centre(central, self.settings.epochs) if self.settings.epochs else Recipe()

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Return the start, trained further where that is asked for."""
        if not self.settings.epochs:
            central.after_round(0, 0, lambda: central.start, lambda: None)
            return result_with(initial_arrays)
        return result_with(array_record(self._trained(central)))

    def _trained(self, central: Central) -> Weights:
        saved, epochs = central.resume(), self.settings.epochs
        trainer = central.trainer(central.recogniser(), central.public_labelled, epochs=epochs)
        if saved:
            trainer.restore(saved[1])
        seconds = trainer.seconds_an_epoch()

        def after_epoch(epoch: int, loss: float | None) -> None:
            due = epoch % self.settings.evaluate_every == 0 or epoch == epochs
            central.after_round(epoch, epochs, trainer.weights, trainer.state, loss, due, seconds)

        trainer.run(after_epoch, lambda: central.within(trainer.epoch, trainer.state))
        return trainer.weights()
