"""Centralised: every silo gives its speech away, and one model is trained on all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord, Message, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result

from fedasr.common.errors import RowError
from fedasr.common.settings import Settings, number
from fedasr.corpora.speech import Speech, joined
from fedasr.messages.kinds import SPEECH, Kind
from fedasr.messages.records import array_record
from fedasr.messages.speech_reply import SpeechReply
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with


@dataclass(frozen=True)
class CentralisedSettings(Settings):
    """How often it is looked at.

    Parameters
    ----------
    evaluate_every : int
        Epochs between evaluations on the development speakers.
    """

    evaluate_every: int = number(10, least=1)


class Centralised(CentralStrategy):
    """Trains on the speech of all silos and the labelled public speech: what pooling would give.

    Parameters
    ----------
    settings : CentralisedSettings, optional
    """

    settings_class: ClassVar[type[Settings]] = CentralisedSettings
    asks: ClassVar[tuple[Kind, ...]] = (SPEECH,)
    """What it asks for that a silo answers only by consent."""

    def __init__(self, settings: CentralisedSettings | None = None) -> None:
        self.evaluate_every = (settings or CentralisedSettings()).evaluate_every

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Collect the speech and train."""
        saved = central.resume()
        trainer = central.private_trainer(central.recogniser(), self._collect(grid, central), central.public_labelled)
        if saved:
            trainer.restore(saved[1])
        epochs, seconds = trainer.epochs, trainer.seconds_an_epoch()

        def after_epoch(epoch: int, loss: float | None) -> None:
            due = epoch % self.evaluate_every == 0 or epoch == epochs
            central.after_round(epoch, epochs, trainer.weights, trainer.state, loss, due, seconds)

        trainer.run(after_epoch)
        return result_with(array_record(trainer.weights()))

    def _collect(self, grid: Grid, central: Central) -> Speech:
        nodes = sorted(grid.get_node_ids())
        messages = [Message(RecordDict(), node, SPEECH.name) for node in nodes]
        replies = list(grid.send_and_receive(messages, timeout=central.training.timeout_seconds))
        failed = [reply for reply in replies if reply.has_error()]
        if failed:
            raise RowError(f"{len(failed)} silos did not send their speech: {failed[0].error.reason}")
        return joined([SpeechReply.from_record(reply.content).speech for reply in replies])
