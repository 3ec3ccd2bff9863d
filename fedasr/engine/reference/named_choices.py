"""What an experiment calls by a name, and where the options of what is named stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from fedasr.asr.encoders.encoder import ENCODERS
from fedasr.asr.heads.head import HEADS
from fedasr.common.registry import Registry
from fedasr.experiment.model import ModelSpec
from fedasr.experiment.strategy_options import STRATEGIES
from fedasr.protection.protection import PROTECTIONS
from fedasr.silo.client import CLIENTS
from fedasr.training.objectives.objective import OBJECTIVES
from fedasr.wire.codecs_by_name import CODECS


@dataclass(frozen=True)
class NamedChoice:
    """A key whose value is a name.

    Parameters
    ----------
    table : str
        Where the key stands: ``"compare"`` or ``"model"``.
    key : str
    options : str
        The key beside it under which the options of what is named stand.
    registry : Registry
    attribute : str
        Where a registered class keeps the class of its settings; empty where it is that class itself.
    also : tuple of str
        Other values.
    """

    table: str
    key: str
    options: str
    registry: Registry[Any]
    attribute: str = ""
    also: tuple[str, ...] = ()

    def found(self) -> Mapping[str, type]:
        """Return what is registered, by name."""
        return {name: self.registry.find(name) for name in self.registry.known()}

    def settings_of(self, found: type) -> type | None:
        """Return the class of the settings of what was found; None where it takes keyword arguments."""
        settings: type | None = getattr(found, self.attribute, None) if self.attribute else found
        return settings

    def shared(self) -> frozenset[str]:
        """Return the settings that stand in the table itself, not among the options."""
        return frozenset(field.name for field in fields(ModelSpec)) if self.table == "model" else frozenset()


CHOICES = (
    NamedChoice("compare", "strategy", "options", STRATEGIES, "settings_class"),
    NamedChoice("compare", "objective", "objective_options", OBJECTIVES),
    NamedChoice("compare", "protection", "protection_options", PROTECTIONS),
    NamedChoice("compare", "codec", "codec_options", CODECS, also=("auto",)),
    NamedChoice("compare", "client", "client_options", CLIENTS, also=("auto",)),
    NamedChoice("model", "encoder", "encoder_options", ENCODERS, "settings"),
    NamedChoice("model", "head", "head_options", HEADS, "settings"),
)
