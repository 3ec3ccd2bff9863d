"""What a silo's own model does on the test speakers, and on speech that the silo holds out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flwr.app import ConfigRecord, MetricRecord, RecordDict

from fedasr.messages.metrics import number_of
from fedasr.messages.records import CONFIG, METRICS

Counts = tuple[tuple[int, ...], ...]
"""Of each speaker the fields of `fedasr.asr.word_errors.ErrorCounts`."""
_COUNTS = {
    "errors": "errors", "held_out": "held-out", "decoded": "decoded", "held_out_decoded": "held-out-decoded",
    "noisy": "noisy", "noisy_decoded": "noisy-decoded",
}  # fmt: skip
"""How counts are called in the message."""


@dataclass(frozen=True)
class AloneReply:
    """What a silo's own model, which stays there, does on the test speakers and on speech that the silo holds out.

    Attributes
    ----------
    utterances : int
    loss : float
        Mean training loss at the end, nats a token; NaN where nothing could be learnt, or no guarantee covers it.
    model_sha256 : str
    errors : tuple of tuple of int
        For each test speaker the fields of `fedasr.asr.word_errors.ErrorCounts`.
    audio_seconds : float, optional
        Seconds of speech that the silo trained on; None, which is not sent, where a guarantee does not cover it.
    held_out : tuple of tuple of int
        The same fields for the speech that the silo holds out, for each of its speakers in the order of their names;
        empty where it holds none.
    decoded, held_out_decoded : tuple of tuple of int
        As `errors` and `held_out`, of what a decoder hears; empty where there is none.
    noisy, noisy_decoded : tuple of tuple of int
        As `errors` and `decoded`, of the test speakers' speech with noise; empty where there is none.
    """

    utterances: int
    loss: float
    model_sha256: str
    errors: Counts
    audio_seconds: float | None = None
    held_out: Counts = ()
    decoded: Counts = ()
    held_out_decoded: Counts = ()
    noisy: Counts = ()
    noisy_decoded: Counts = ()

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        heard = {} if self.audio_seconds is None else {"audio-seconds": self.audio_seconds}
        metrics = MetricRecord({"num-examples": self.utterances, "loss": self.loss, **heard})
        for name, key in _COUNTS.items():
            if flat := [number for speaker in getattr(self, name) for number in speaker]:
                metrics[key] = flat
        return RecordDict({METRICS: metrics, CONFIG: ConfigRecord({"model-sha256": self.model_sha256})})

    @classmethod
    def from_record(cls, content: RecordDict) -> AloneReply:
        """Read the message's content."""
        metrics, config = content.metric_records[METRICS], content.config_records[CONFIG]
        heard = number_of(metrics, "audio-seconds", float) if "audio-seconds" in metrics else None
        return cls(
            number_of(metrics, "num-examples", int), number_of(metrics, "loss", float),
            str(config["model-sha256"]), audio_seconds=heard,
            **{name: _by_speaker(metrics, key) for name, key in _COUNTS.items()},
        )  # fmt: skip


def _by_speaker(metrics: MetricRecord, name: str) -> Counts:
    flat = cast("list[int]", metrics.get(name, []))
    return tuple(tuple(flat[start : start + 6]) for start in range(0, len(flat), 6))
