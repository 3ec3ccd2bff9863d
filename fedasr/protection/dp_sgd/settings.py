"""DP-SGD as an experiment asks for it: ``protection = "dp-sgd"`` with ``protection_options``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.settings import from_table, least, one_of, share
from fedasr.privacy.accounting.calibration import noise_for


@dataclass(frozen=True)
class ProtectionSpec:
    """Settings of DP-SGD over utterances.

    Parameters
    ----------
    epsilon, delta : float
        The target that the noise is planned for.
    noise_multiplier : float
        Given instead of planned, where above 0.
    clip_norm : float
        The largest L2 norm of an utterance's gradient.
    batch_size : int
        Utterances expected in a step.
    steps : int
        Of the centre. Silos take the steps of ``[training]``.
    optimizer, learning_rate, momentum, decay, average, layers
        What is done with noisy gradients, which costs no privacy: see `fedasr.protection.dp_sgd.trainer.DescentSpec`.
    """

    epsilon: float = field(default=8.0, metadata={"least": 1e-6})
    delta: float = field(default=1e-5, metadata={"least": 1e-300, "most": 0.999})
    noise_multiplier: float = least(0.0, 0.0)
    clip_norm: float = field(default=1.0, metadata={"least": 1e-12})
    batch_size: int = least(32, 1)
    steps: int = least(200, 1)
    optimizer: str = one_of("adam", "adam", "sgd")
    learning_rate: float = least(1e-3, 0.0)
    momentum: float = share(0.9)
    decay: float = share(0.2)
    average: float = share(0.0)
    layers: tuple[str, ...] = ("*",)

    @classmethod
    def of(cls, options: Mapping[str, Any], where: str) -> ProtectionSpec:
        """Read the options of a row."""
        return from_table(cls, options, where, "protection_options.")

    def multiplier(self, steps: int, rate: float) -> float:
        """Return the noise multiplier for so many steps at a sampling rate (unit utterance, add-remove)."""
        if self.noise_multiplier:
            return self.noise_multiplier
        if rate > 1:
            raise UserError(f"protection_options.batch_size is {self.batch_size}, more utterances than there are")
        return noise_for("sampled-gaussian", steps, self.epsilon, self.delta, "add-remove", rate=rate)

    def descent(self) -> dict[str, Any]:
        """Return the settings that concern noisy gradients only."""
        names = ("optimizer", "learning_rate", "momentum", "decay", "average", "layers")
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name in names}
