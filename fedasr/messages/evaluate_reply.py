"""What a model that was sent to a silo does on the speech that the silo holds out."""

from __future__ import annotations

from dataclasses import dataclass

from flwr.app import MetricRecord, RecordDict

from fedasr.messages.metrics import number_of
from fedasr.messages.records import METRICS


@dataclass(frozen=True)
class EvaluateReply:
    """What a model does on a silo's held-out speech.

    Attributes
    ----------
    utterances : int
        Held-out utterances: the weight of the other numbers in an average (Flower's ``num-examples``).
    loss : float
        Mean loss, nats a token; NaN where no transcript has one. It is sent as ``loss``, as training sends its own,
        and as ``eval_loss``, which Flower's own examples call it.
    wer : float
        Word error rate, a fraction.
    """

    utterances: int
    loss: float
    wer: float

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        metrics = MetricRecord({
            "num-examples": self.utterances, "loss": self.loss, "eval_loss": self.loss, "wer": self.wer,
        })  # fmt: skip
        return RecordDict({METRICS: metrics})

    @classmethod
    def from_record(cls, content: RecordDict) -> EvaluateReply:
        """Read the message's content."""
        metrics = content.metric_records[METRICS]
        return cls(
            number_of(metrics, "num-examples", int), number_of(metrics, "loss", float), number_of(metrics, "wer", float)
        )  # fmt: skip
