"""Train this model on your speech."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from flwr.app import ConfigRecord, RecordDict
from numpy.typing import NDArray

from fedasr.messages.metrics import number_of
from fedasr.messages.records import ARRAYS, CONFIG, array_record, arrays_of
from fedasr.messages.returned import LAYERS, layers_of

KEEP_OPTIMIZER, ACCUMULATE, STEPS = "keep-optimizer", "accumulate", "steps"
EPOCHS, TELL_SECONDS = "local-epochs", "tell-seconds"
"""Names of settings in the message, beside Flower's own."""
Weights = Mapping[str, NDArray[np.floating]]


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
        Patterns of the parameters to train; they alone come back, and the others stay as they are. No pattern
        trains all.
    steps : int, optional
        Local steps, for kinds of messages that leave them to the request; by default the row's.
    epochs : int, optional
        Passes over the silo's own speech, in place of steps, for the same kinds.
    tell_seconds : bool
        Reply how many seconds of speech the silo has.
    """

    weights: Weights
    round: int
    proximal: float = 0.0
    keep_optimizer: bool = False
    accumulate: int = 1
    layers: tuple[str, ...] = ()
    steps: int | None = None
    epochs: int | None = None
    tell_seconds: bool = False

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        config = ConfigRecord({
            "server-round": self.round, "proximal-mu": self.proximal,
            KEEP_OPTIMIZER: self.keep_optimizer, ACCUMULATE: self.accumulate, LAYERS: list(self.layers),
        })  # fmt: skip
        said = {STEPS: self.steps, EPOCHS: self.epochs, TELL_SECONDS: self.tell_seconds or None}
        for key, value in said.items():
            if value is not None:
                config[key] = value
        return RecordDict({ARRAYS: array_record(self.weights), CONFIG: config})

    @classmethod
    def from_record(cls, content: RecordDict) -> TrainRequest:
        """Read the message's content, as any Flower strategy of the FedAvg family writes it."""
        config = next(iter(content.config_records.values()), ConfigRecord())
        records = content.array_records
        weights = arrays_of(records[ARRAYS] if ARRAYS in records else next(iter(records.values())))
        return cls(
            weights, number_of(config, "server-round", int), number_of(config, "proximal-mu", float),
            bool(config.get(KEEP_OPTIMIZER, False)), max(1, number_of(config, ACCUMULATE, int)),
            layers_of(content),
            number_of(config, STEPS, int) if STEPS in config else None,
            number_of(config, EPOCHS, int) if EPOCHS in config else None, bool(config.get(TELL_SECONDS, False)),
        )  # fmt: skip
