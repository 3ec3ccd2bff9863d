"""Local-only: every silo trains on its own speech and nothing is shared but the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord, Message
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result

from fedasr.common.errors import RowError
from fedasr.common.settings import Settings, number
from fedasr.experiment.training import TrainingSpec
from fedasr.grid.flower.identity import silo_of
from fedasr.messages.alone_reply import AloneReply
from fedasr.messages.kinds import ALONE
from fedasr.messages.train_request import TrainRequest
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy
from fedasr.server.own_models import OwnModels, per_silo
from fedasr.server.work.recipe import Recipe
from fedasr.server.work.workload import STEPS, Asked, RowWork
from fedasr.student.trainer import TrainerSpec
from fedasr.training.losses import mean_of_known, number_or_none


@dataclass(frozen=True)
class LocalOnlySettings(Settings):
    """How long each silo trains.

    Parameters
    ----------
    steps : int
        Local optimizer steps of each silo; 0 takes as many as all rounds together.
    """

    steps: int = number(0, least=0)


class LocalOnly(OwnModels, CentralStrategy):
    """Each silo alone: the mean and the spread over silos of what each one's own model does.

    Parameters
    ----------
    settings : LocalOnlySettings, optional
    """

    settings_class: ClassVar[type[Settings]] = LocalOnlySettings

    def __init__(self, settings: LocalOnlySettings | None = None) -> None:
        self.steps = (settings or LocalOnlySettings()).steps

    def workload(self, asked: Asked) -> RowWork:
        """Return the steps of all silos, or their passes."""
        training = asked.training
        if self.steps or not training.local_epochs:
            return RowWork(asked.of_steps(1), self.steps or training.rounds * training.local_steps, STEPS)
        return RowWork(asked.of_epochs(training.local_epochs), training.rounds)

    def recipe(self, training: TrainingSpec, central: TrainerSpec) -> Recipe:
        """Return how each silo trains."""
        steps = self.steps or (0 if training.local_epochs else training.rounds * training.local_steps)
        return Recipe.of_silos(training, f"{steps} in all" if steps else "")

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Let every silo train and be scored on the test speakers."""
        content = self._request(central).to_record()
        nodes = sorted(grid.get_node_ids())
        messages = [Message(content, node, ALONE.name) for node in nodes]
        replies = list(grid.send_and_receive(messages, timeout=central.training.timeout_seconds))
        good = {silo_of(r.metadata.src_node_id): AloneReply.from_record(r.content) for r in replies if r.has_content()}
        if not good:
            raise RowError(f"no silo trained: {replies[0].error.reason if replies else 'there is none'}")
        central.per_silo.update({silo: per_silo(reply) for silo, reply in good.items()})
        loss = number_or_none(mean_of_known(reply.loss for reply in good.values()))
        central.after_round(1, 1, lambda: central.start, lambda: None, loss, evaluate=False, before=1)
        return Result()

    def _request(self, central: Central) -> TrainRequest:
        """Ask for the steps of the settings, or for the local work of all rounds together."""
        training = central.training
        if self.steps or not training.local_epochs:
            return TrainRequest(central.start, 1, steps=self.steps or training.rounds * training.local_steps)
        return TrainRequest(central.start, 1, epochs=training.rounds * training.local_epochs)
