"""What training on one silo's speech gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flwr.app import MetricRecord, RecordDict

from fedasr.messages.metrics import number_of
from fedasr.messages.records import ARRAYS, METRICS, array_record
from fedasr.messages.train_request import Weights

SPEECH_SECONDS = "speech-seconds"
"""The metric that says how much speech a silo has; ``audio-seconds`` is what training read of it."""


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
    audio_seconds : float or None
        Seconds of speech that went into it; None, which is not sent, where a guarantee does not cover it.
    record : str
        ``"arrays"`` for a model, ``"change"`` for a change.
    speech_seconds : float, optional
        The silo's seconds of speech: its weight in an average, where the request asks for it.
    others : mapping of str to mapping
        Further records of arrays, such as the change of a control variate.
    """

    arrays: Weights
    utterances: int
    loss: float | None
    audio_seconds: float | None
    record: str = ARRAYS
    speech_seconds: float | None = None
    others: Mapping[str, Weights] = field(default_factory=dict)

    def to_record(self) -> RecordDict:
        """Return the message's content; ``uniform`` weights every silo alike."""
        loss = {} if self.loss is None else {"loss": self.loss}
        heard = {} if self.audio_seconds is None else {"audio-seconds": self.audio_seconds}
        seconds = {} if self.speech_seconds is None else {SPEECH_SECONDS: self.speech_seconds}
        metrics = MetricRecord({"num-examples": self.utterances, "uniform": 1, **loss, **heard, **seconds})
        others = {name: array_record(arrays) for name, arrays in self.others.items()}
        return RecordDict({self.record: array_record(self.arrays), **others, METRICS: metrics})


def utterances_of(content: RecordDict) -> int:
    """Return how many utterances a silo says it has."""
    return int(number_of(content.metric_records[METRICS], "num-examples", int))
