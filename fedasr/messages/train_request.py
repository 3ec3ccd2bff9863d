"""Train this model on your speech."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flwr.app import ConfigRecord, RecordDict
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.messages.coded.returned import LAYERS, layers_of
from fedasr.messages.records import ARRAYS, CONFIG, array_record, arrays_of

ROUND, PROXIMAL = "server-round", "proximal-mu"
"""Names of settings in the message that Flower's strategies write."""
KEEP_OPTIMIZER, ACCUMULATE, STEPS = "keep-optimizer", "accumulate", "steps"
EPOCHS, TELL_SECONDS = "local-epochs", "tell-seconds"
"""Names of settings in the message, beside Flower's own."""
REQUESTED = (ROUND, PROXIMAL, KEEP_OPTIMIZER, ACCUMULATE, LAYERS, STEPS, EPOCHS, TELL_SECONDS)
"""All that a request reads; what a silo does with other names, `fedasr.silo.heeded` says."""
OTHER_NAMES = {
    "lr": "learning-rate", "epochs": EPOCHS, "num-epochs": EPOCHS,
    "round": ROUND, "current-round": ROUND, "epoch": ROUND,
}  # fmt: skip
"""What Flower's users call some settings, and the names by which they are known here."""
Weights = Mapping[str, NDArray[np.floating]]


@dataclass(frozen=True)
class TrainRequest:
    """Train this model on your speech.

    Attributes
    ----------
    weights : mapping of str to ndarray
    round : int
        Places the message in the row's schedule of learning rates: Flower's ``server-round``, by default the round of
        the exchange. Batches, masks and noise are drawn by the exchange, whatever stands here.
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
    drawn_in : int, optional
        The round of the exchange that brought the request; it does not travel in it.
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
    drawn_in: int | None = None

    @property
    def dice(self) -> int:
        """The round whose batches, masks and noise are drawn."""
        return self.round if self.drawn_in is None else self.drawn_in

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        config = ConfigRecord({
            ROUND: self.round, PROXIMAL: self.proximal,
            KEEP_OPTIMIZER: self.keep_optimizer, ACCUMULATE: self.accumulate, LAYERS: list(self.layers),
        })  # fmt: skip
        said = {STEPS: self.steps, EPOCHS: self.epochs, TELL_SECONDS: self.tell_seconds or None}
        for key, value in said.items():
            if value is not None:
                config[key] = value
        return RecordDict({ARRAYS: array_record(self.weights), CONFIG: config})

    @classmethod
    def from_record(cls, content: RecordDict, round: int | None = None) -> TrainRequest:
        """Read the message's content, as any Flower strategy of the FedAvg family writes it.

        Parameters
        ----------
        content : RecordDict
        round : int, optional
            Of the exchange; it is the request's own where the message names none.
        """
        config = settings_of(content)
        records = content.array_records
        weights = arrays_of(records[ARRAYS] if ARRAYS in records else next(iter(records.values())))
        return cls(
            weights, int(config.get(ROUND, round or 0)), float(config.get(PROXIMAL, 0.0)),
            bool(config.get(KEEP_OPTIMIZER, False)), max(1, int(config.get(ACCUMULATE, 1))), layers_of(content),
            int(config[STEPS]) if STEPS in config else None, int(config[EPOCHS]) if EPOCHS in config else None,
            bool(config.get(TELL_SECONDS, False)), round,
        )  # fmt: skip


def settings_of(content: RecordDict) -> dict[str, Any]:
    """Return the settings of a message by the names that are read here, whatever its sender calls them.

    Raises
    ------
    RowError
        Where one setting stands there twice, with unlike values.
    """
    found: dict[str, Any] = {}
    for config in content.config_records.values():
        for key, value in config.items():
            name = plain_name(key)
            if name in found and found[name] != value:
                raise RowError(f"the message says '{key}' twice: {found[name]!r} and {value!r}")
            found[name] = value
    return found


def plain_name(key: str) -> str:
    """Return the name under which a setting is known: Flower's users write ``lr``, ``learning_rate`` and so on."""
    name = key.replace("_", "-")
    return OTHER_NAMES.get(name, name)
