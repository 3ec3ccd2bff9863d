"""Centralised: every silo gives its speech away, and one model is trained on all of it."""

from __future__ import annotations

from typing import Any

from flwr.app import ArrayRecord, Message, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result

from fedasr.common.errors import RowError, UserError
from fedasr.corpora.speech import Speech, joined
from fedasr.messages.kinds import SPEECH
from fedasr.messages.records import array_record
from fedasr.messages.speech_reply import SpeechReply
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with


class Centralised(CentralStrategy):
    """Trains on the speech of all silos and the labelled public speech: what pooling would give.

    Parameters
    ----------
    evaluate_every : int
        Epochs between evaluations on the development speakers.
    """

    def __init__(self, evaluate_every: int = 10) -> None:
        if not isinstance(evaluate_every, int) or evaluate_every < 1:
            raise UserError(f"centralised: 'evaluate_every' must be a whole number from 1 on, not {evaluate_every!r}")
        self.evaluate_every = evaluate_every

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Collect the speech and train."""
        saved = central.resume()
        trainer = central.private_trainer(central.recogniser(), self._collect(grid), central.public_labelled)
        if saved:
            trainer.restore(saved[1])
        epochs, seconds = trainer.epochs, trainer.seconds_an_epoch()

        def after_epoch(epoch: int, loss: float | None) -> None:
            due = epoch % self.evaluate_every == 0 or epoch == epochs
            central.after_round(epoch, epochs, trainer.weights, trainer.state, loss, due, seconds)

        trainer.run(after_epoch)
        return result_with(array_record(trainer.weights()))

    def _collect(self, grid: Grid) -> Speech:
        nodes = sorted(grid.get_node_ids())
        replies = list(grid.send_and_receive([Message(RecordDict(), node, SPEECH.name) for node in nodes]))
        failed = [reply for reply in replies if reply.has_error()]
        if failed:
            raise RowError(f"{len(failed)} silos did not send their speech: {failed[0].error.reason}")
        return joined([SpeechReply.from_record(reply.content).speech for reply in replies])
