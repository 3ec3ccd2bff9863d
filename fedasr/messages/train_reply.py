"""What training on one silo's speech gave."""

from __future__ import annotations

from dataclasses import dataclass

from flwr.app import MetricRecord, RecordDict

from fedasr.messages.metrics import number_of
from fedasr.messages.records import ARRAYS, METRICS, array_record
from fedasr.messages.train_request import Weights


@dataclass(frozen=True)
class TrainReply:
    """What training on one silo's speech gave: a model, or the change of one.

    Attributes
    ----------
    arrays : mapping of str to ndarray
    utterances : int
        The silo's utterances: its weight in an average.
    loss : float
        Mean training loss, nats a token; NaN where nothing could be learnt; None, which is not sent, where a
        guarantee does not cover it.
    audio_seconds : float
        Seconds of speech that went into it.
    record : str
        ``"arrays"`` for a model, ``"change"`` for a change.
    """

    arrays: Weights
    utterances: int
    loss: float | None
    audio_seconds: float
    record: str = ARRAYS

    def to_record(self) -> RecordDict:
        """Return the message's content; ``uniform`` weights every silo alike."""
        loss = {} if self.loss is None else {"loss": self.loss}
        metrics = MetricRecord({
            "num-examples": self.utterances, "uniform": 1, **loss, "audio-seconds": self.audio_seconds,
        })  # fmt: skip
        return RecordDict({self.record: array_record(self.arrays), METRICS: metrics})


def utterances_of(content: RecordDict) -> int:
    """Return how many utterances a silo says it has."""
    return int(number_of(content.metric_records[METRICS], "num-examples", int))
