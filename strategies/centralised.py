"""Centralised: every silo gives its speech away, and one model is trained on all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord, Message, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result

from fedasr.common.errors import RowError
from fedasr.common.settings import Settings, number
from fedasr.corpora.speech import Speech
from fedasr.corpora.stores.joined import joined
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import SPEECH, Kind
from fedasr.messages.records import array_record
from fedasr.messages.speech_reply import SpeechReply
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with
from fedasr.server.work.recipe import Recipe
from fedasr.server.work.workload import EPOCHS, Asked, RowWork
from fedasr.student.trainer import TrainerSpec


@dataclass(frozen=True)
class CentralisedSettings(Settings):
    """How long it trains, and how often it is looked at.

    Parameters
    ----------
    evaluate_every : int
        Epochs between evaluations on the development speakers.
    epochs : int
        Passes over the speech; 0 takes those of ``[central]``, or what ``[work]`` asks for.
    """

    evaluate_every: int = number(10, least=1)
    epochs: int = number(0, least=0)


class Centralised(CentralStrategy):
    """Trains on the speech of all silos and the labelled public speech: what pooling would give.

    Parameters
    ----------
    settings : CentralisedSettings, optional
    """

    settings_class: ClassVar[type[Settings]] = CentralisedSettings
    reads_rounds: ClassVar[bool] = False
    """It trains for epochs."""
    asks: ClassVar[tuple[Kind, ...]] = (SPEECH,)
    """What it asks for that a silo answers only by consent."""
    is_taught: ClassVar[bool] = True
    """Where the objective asks for a teacher, it hears what was pooled."""
    is_self_taught: ClassVar[bool] = True
    """Or the public unlabelled speech, where it asks for that."""

    def __init__(self, settings: CentralisedSettings | None = None) -> None:
        settings = settings or CentralisedSettings()
        self.evaluate_every, self.epochs = settings.evaluate_every, settings.epochs

    def workload(self, asked: Asked) -> RowWork:
        """Return the epochs; a protection that draws its own lots says itself how long it trains."""
        if asked.lot is not None:
            return RowWork(key="", is_paid=True)
        return RowWork(asked.of_epochs(1), self.epochs or asked.central.epochs, EPOCHS)

    def recipe(self, training: TrainingSpec, central: TrainerSpec) -> Recipe:
        """Return how the centre trains."""
        return Recipe.of_centre(central, self.epochs or central.epochs)

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Collect the speech and train."""
        saved = central.resume()
        speech = self._collect(grid, central)
        trainer = central.private_trainer(central.recogniser(), speech, central.public_labelled, self.epochs)
        if saved:
            trainer.restore(saved[1])
        epochs, seconds = trainer.epochs, trainer.seconds_an_epoch()

        def after_epoch(epoch: int, loss: float | None) -> None:
            due = epoch % self.evaluate_every == 0 or epoch == epochs
            central.after_round(epoch, epochs, trainer.weights, trainer.state, loss, due, seconds)

        trainer.run(after_epoch, lambda: central.within(trainer.epoch, trainer.state))
        return result_with(array_record(trainer.weights()))

    def _collect(self, grid: Grid, central: Central) -> Speech:
        nodes = sorted(grid.get_node_ids())
        messages = [Message(RecordDict(), node, SPEECH.name) for node in nodes]
        replies = list(grid.send_and_receive(messages, timeout=central.training.timeout_seconds))
        failed = [reply for reply in replies if reply.has_error()]
        if failed:
            raise RowError(f"{len(failed)} silos did not send their speech: {failed[0].error.reason}")
        return joined([SpeechReply.from_record(reply.content).speech for reply in replies])
