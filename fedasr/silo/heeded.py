"""What a message says of local training, in the place of the row's settings: heeded, or refused by its name.

Flower's strategies write what they like into the configuration of a message, and its ClientApps read what they like.
Here nothing of it is dropped: a setting means what it means in ``[training]``, or the row fails.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flwr.app import RecordDict

from fedasr.common.errors import RowError, UserError, nearest
from fedasr.common.settings import Settings, from_table, number
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import Kind
from fedasr.messages.records import array_records
from fedasr.messages.train_request import EPOCHS, REQUESTED, STEPS, plain_name, settings_of
from fedasr.protection.gradient_plan import GradientPlan

LOCAL_STEPS, BATCH_SIZE = "local-steps", "batch-size"
LOCAL = (LOCAL_STEPS, BATCH_SIZE, "optimizer", "learning-rate", "momentum", "weight-decay", "gradient-norm")
"""The settings of ``[training]`` that a message may change."""
CHARGED = (LOCAL_STEPS, EPOCHS, BATCH_SIZE)
"""Settings that change how often a silo's speech is looked at: a guarantee was planned for the row's own."""


@dataclass(frozen=True)
class Requested(Settings):
    """The limits of what a request to train reads (`fedasr.messages.train_request.TrainRequest`)."""

    server_round: int = number(0, least=0)
    proximal_mu: float = number(0.0, least=0, below=math.inf)
    keep_optimizer: bool = False
    accumulate: int = number(1, least=1)
    layers: tuple[str, ...] = ()
    steps: int = number(1, least=1)
    local_epochs: int = number(1, least=1)
    tell_seconds: bool = False


def as_asked(training: TrainingSpec, kind: Kind, content: RecordDict, own: Collection[str] = ()) -> TrainingSpec:
    """Return the local training that a message asks for.

    Parameters
    ----------
    training : TrainingSpec
        The row's.
    kind : Kind
        Of the message; one that does not train changes nothing.
    content : RecordDict
    own : collection of str
        Names of settings that the row's client half reads itself.

    Raises
    ------
    RowError
        For a setting that no silo heeds, or with a value that it cannot have.
    """
    if not kind.trains:
        return training
    said = _said(content, own)
    _check_steps(kind, said)
    _read(Requested, {name: value for name, value in said.items() if name in REQUESTED}, content)
    changes = {name: value for name, value in said.items() if name not in REQUESTED}
    read = _read(TrainingSpec, changes, content)
    found: dict[str, Any] = {_field(name): getattr(read, _field(name)) for name in changes}
    if "learning_rate" in found:
        found["decay"] = 1.0  # a rate that is sent is that round's; who sends it has a schedule of its own
    if "local_steps" in found:
        found["local_epochs"] = 0
    if "batch_size" in found:
        found["batch_seconds"] = 0.0
    return replace(training, **found) if found else training


def is_heeded(key: str) -> bool:
    """Return whether a key in a message is one that silos heed, whatever the client half."""
    return plain_name(key) in {*REQUESTED, *LOCAL}


def check_planned(kind: Kind, content: RecordDict, plan: GradientPlan) -> None:
    """Refuse, under a guarantee, what would change what was planned and is charged.

    Raises
    ------
    RowError
        Naming the setting.
    """
    for key, name in _spelled(content).items() if kind.trains else ():
        if name in CHARGED and plan.guarantee is not None:
            raise RowError(
                f"the message says '{key}', and a guarantee was planned for the row's own; set training.{_field(name)}"
            )


def check_records(kind: Kind, content: RecordDict) -> None:
    """Refuse records that fedasr's own half of an algorithm does not read.

    Raises
    ------
    RowError
        Naming one.
    """
    arrays, configs = list(array_records(content)), list(content.config_records)
    for name in (*arrays[1:], *configs[1:], *content.metric_records) if kind.trains else ():
        raise RowError(f"a message '{kind.name}' holds the record '{name}', which no silo here reads")


def _said(content: RecordDict, own: Collection[str]) -> dict[str, Any]:
    """Return the settings of a message without those that a client half reads itself."""
    known = {*REQUESTED, *LOCAL}
    theirs = {plain_name(name) for name in own}
    for key, name in _spelled(content).items():
        if name not in known | theirs:
            raise RowError(f"the message says '{key}', which no silo here heeds{nearest(key, known | theirs)}")
    return {name: value for name, value in settings_of(content).items() if name not in theirs}


def _check_steps(kind: Kind, said: Mapping[str, Any]) -> None:
    """Refuse steps that a kind of message does not leave to it: they are what is charged and timed."""
    if STEPS in said and kind.steps != "request":
        raise RowError(f"a message '{kind.name}' does not say its steps; set training.local_steps")
    for name in (LOCAL_STEPS, EPOCHS):
        if name in said and kind.steps == "one":
            raise RowError(f"a message '{kind.name}' takes one step: '{name}' takes no effect")


def _read(cls: type[Any], said: Mapping[str, Any], content: RecordDict) -> Any:
    try:
        return from_table(cls, {_field(name): value for name, value in said.items()}, "")
    except UserError as error:
        line = error.lines[0]
        for key, name in _spelled(content).items():
            line = line.replace(f"'{_field(name)}'", f"'{key}'", 1)
        raise RowError(f"the message is refused: {line}") from error


def _spelled(content: RecordDict) -> dict[str, str]:
    """Return how the sender spells each setting, and the name by which it is known here."""
    return {key: plain_name(key) for config in content.config_records.values() for key in config}


def _field(name: str) -> str:
    return name.replace("-", "_")
