"""Each message between server and silos as a dataclass, to and from Flower's RecordDict.

These are all the ways in which anything leaves a silo:

========================  ====================================================================
train                     a model goes out, a trained model and its loss come back
train.gradient            a model goes out, the change that one optimizer step would make comes back
train.alone               a model goes out, errors on the test speakers come back (local-only)
train.teacher             a model goes out, how the training went comes back; the teacher stays (PATE)
query.label               prefixes of public utterances go out, the teacher's next labels come back
query.posterior           the same, the probabilities of the next labels come back
query.candidate           hypotheses of public utterances go out, the number of the best comes back
query.frame               nothing goes out, the best label of each frame of public utterances comes back
query.speech              nothing goes out, the silo's speech comes back (centralised)
========================  ====================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from flwr.app import ConfigRecord, MetricRecord, RecordDict
from numpy.typing import NDArray

from fedasr.corpora.speech import ArrayFeatures, Speech
from fedasr.corpora.utterance import AudioSource, Utterance
from fedasr.grid.identity import array_record, arrays_of

ARRAYS, CONFIG, METRICS = "arrays", "config", "metrics"
"""The record names that Flower's strategies use."""
CHANGE = "change"
"""The record of a change: as long a name as that of a model, so that their envelopes weigh the same."""
KEEP_OPTIMIZER, ACCUMULATE, LAYERS = "keep-optimizer", "accumulate", "layers"
TRAIN, GRADIENT, ALONE, SPEECH = "train", "train.gradient", "train.alone", "query.speech"
TEACHER = "train.teacher"

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class TrainRequest:
    """Train this model on your speech.

    Attributes
    ----------
    weights : mapping of str to ndarray
    round : int
    proximal : float
        FedProx: half of it times the squared distance from `weights` is added to the loss.
    keep_optimizer : bool
        Go on with the local optimizer's state of the round before.
    accumulate : int
        Mini-batches whose mean gradient makes one change (``train.gradient``).
    layers : tuple of str
        Patterns of the parameters to train; the others stay as they are.
    """

    weights: Weights
    round: int
    proximal: float = 0.0
    keep_optimizer: bool = False
    accumulate: int = 1
    layers: tuple[str, ...] = ()

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        config = ConfigRecord({
            "server-round": self.round, "proximal-mu": self.proximal,
            KEEP_OPTIMIZER: self.keep_optimizer, ACCUMULATE: self.accumulate, LAYERS: list(self.layers),
        })  # fmt: skip
        return RecordDict({ARRAYS: array_record(self.weights), CONFIG: config})

    @classmethod
    def from_record(cls, content: RecordDict) -> TrainRequest:
        """Read the message's content, as any Flower strategy of the FedAvg family writes it."""
        config = next(iter(content.config_records.values()), ConfigRecord())
        weights = arrays_of(next(iter(content.array_records.values())))
        return cls(
            weights, _number(config, "server-round", int), _number(config, "proximal-mu", float),
            bool(config.get(KEEP_OPTIMIZER, False)), max(1, _number(config, ACCUMULATE, int)),
            tuple(cast("list[str]", config.get(LAYERS, []))),
        )  # fmt: skip


@dataclass(frozen=True)
class TrainReply:
    """What training on one silo's speech gave: a model, or the change of one.

    Attributes
    ----------
    arrays : mapping of str to ndarray
    utterances : int
        The silo's utterances: its weight in an average.
    loss : float
        Mean training loss, nats a token; NaN, which is not sent, where a guarantee does not cover it.
    audio_seconds : float
        Seconds of speech that went into it.
    record : str
        ``"arrays"`` for a model, ``"change"`` for a change.
    """

    arrays: Weights
    utterances: int
    loss: float
    audio_seconds: float
    record: str = ARRAYS

    def to_record(self) -> RecordDict:
        """Return the message's content; ``uniform`` weights every silo alike."""
        metrics = MetricRecord({
            "num-examples": self.utterances, "uniform": 1, "loss": self.loss, "audio-seconds": self.audio_seconds,
        })  # fmt: skip
        if not math.isfinite(self.loss):
            del metrics["loss"]
        return RecordDict({self.record: array_record(self.arrays), METRICS: metrics})


@dataclass(frozen=True)
class AloneReply:
    """What a silo's own model, which stays there, does on the test speakers.

    Attributes
    ----------
    utterances : int
    loss : float
        Mean training loss at the end, nats a token.
    model_sha256 : str
    errors : tuple of tuple of int
        For each test speaker the fields of `fedasr.asr.word_errors.ErrorCounts`.
    audio_seconds : float
        Seconds of speech that the silo trained on.
    """

    utterances: int
    loss: float
    model_sha256: str
    errors: tuple[tuple[int, ...], ...]
    audio_seconds: float = 0.0

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        flat = [number for speaker in self.errors for number in speaker]
        metrics = MetricRecord({
            "num-examples": self.utterances, "loss": self.loss, "audio-seconds": self.audio_seconds,
        })  # fmt: skip
        if flat:
            metrics["errors"] = flat
        return RecordDict({METRICS: metrics, CONFIG: ConfigRecord({"model-sha256": self.model_sha256})})

    @classmethod
    def from_record(cls, content: RecordDict) -> AloneReply:
        """Read the message's content."""
        metrics, config = content.metric_records[METRICS], content.config_records[CONFIG]
        flat = cast("list[int]", metrics.get("errors", []))
        errors = tuple(tuple(flat[start : start + 6]) for start in range(0, len(flat), 6))
        return cls(
            _number(metrics, "num-examples", int), _number(metrics, "loss", float),
            str(config["model-sha256"]), errors, _number(metrics, "audio-seconds", float),
        )  # fmt: skip


@dataclass(frozen=True)
class SpeechReply:
    """A silo's speech, given away: features and transcripts."""

    speech: Speech

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        utterances = self.speech.utterances
        features = [self.speech.features(index) for index in range(len(utterances))]
        arrays: dict[str, NDArray[Any]] = {
            "features": np.concatenate(features),
            "frames": np.array([len(part) for part in features], np.int64),
            "seconds": np.array([u.duration_seconds for u in utterances]),
        }
        config = ConfigRecord({
            "ids": [u.id for u in utterances],
            "speakers": [u.speaker for u in utterances],
            "texts": [u.text for u in utterances],
        })  # fmt: skip
        return RecordDict({"speech": array_record(arrays), CONFIG: config})

    @classmethod
    def from_record(cls, content: RecordDict) -> SpeechReply:
        """Read the message's content."""
        arrays, config = arrays_of(content.array_records["speech"]), content.config_records[CONFIG]
        ids, speakers, texts = (cast("list[str]", config[key]) for key in ("ids", "speakers", "texts"))
        seconds = arrays["seconds"].tolist()
        utterances = tuple(
            Utterance(i, s, t, d, _Elsewhere()) for i, s, t, d in zip(ids, speakers, texts, seconds, strict=True)
        )
        parts = np.split(arrays["features"], np.cumsum(arrays["frames"])[:-1])
        return cls(Speech(utterances, ArrayFeatures(ids, parts)))


class _Elsewhere(AudioSource):
    """Audio that stayed where it was: only its features came."""

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        raise ValueError("only the features of this utterance were sent")

    def fingerprint(self) -> str:
        raise ValueError("only the features of this utterance were sent")


def utterances_of(content: RecordDict) -> int:
    """Return how many utterances a silo says it has."""
    return int(_number(content.metric_records[METRICS], "num-examples", int))


def _number(record: ConfigRecord | MetricRecord, key: str, kind: type[Any]) -> Any:
    value = record.get(key, 0)
    return kind(cast(float, value))
