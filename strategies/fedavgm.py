"""FedAvgM (Hsu, Qi & Brown 2019, arXiv 1909.06335): federated averaging with momentum at the server."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from fedasr.common.settings import Settings, number, one_of, share
from fedasr.server.outer_step import MomentumStep
from fedasr.server.server_schedule import SCHEDULES, scheduled

from .outer_averaging import WEIGHTS, OuterAveraging


@dataclass(frozen=True)
class ServerRateSettings(Settings):
    """How silos count, and the server's learning rate over the rounds.

    Parameters
    ----------
    weighting : str
        ``"utterances"``: a silo counts by its utterances; ``"uniform"``: every silo counts alike; ``"seconds"``: by
        its seconds of speech.
    server_learning_rate : float
        Scales the step towards the mean of the silos' models.
    server_schedule : str
        ``"constant"``, or the server's learning rate falls over the rounds: ``"linear"``, ``"cosine"``.
    server_warmup : float
        The share of the rounds in which the server's learning rate climbs first.
    """

    weighting: str = one_of("utterances", *WEIGHTS)
    server_learning_rate: float = number(1.0, above=0, below=math.inf)
    server_schedule: str = one_of("constant", *SCHEDULES)
    server_warmup: float = share(0.0)

    def over(self, rounds: int) -> int:
        """Return the rounds over which the rate changes; 0 where it is one in all."""
        return rounds if self.server_schedule != "constant" or self.server_warmup else 0

    def rate(self, round: int, rounds: int) -> float:
        """Return the server's learning rate of a round."""
        return self.server_learning_rate * scheduled(self.server_schedule, self.server_warmup, round, rounds)


@dataclass(frozen=True)
class FedAvgMSettings(ServerRateSettings):
    """How the server takes its step.

    Parameters
    ----------
    momentum : float
        Server momentum; without any it is ``fedavg``.
    nesterov : bool
        Send the look-ahead of the momentum.
    """

    momentum: float = number(0.9, above=0, below=1, mend="without momentum it is strategy = 'fedavg'")
    nesterov: bool = False


class FedAvgM(OuterAveraging):
    """Silos train, the server takes a step with momentum towards the mean of their models.

    Parameters
    ----------
    settings : FedAvgMSettings, optional
    blocks : int
        The rounds, over which a schedule falls; fedasr sets it.
    **sampling
        What Flower's FedAvg takes, such as ``fraction_train``; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = FedAvgMSettings
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: FedAvgMSettings | None = None, blocks: int = 1, **sampling: Any) -> None:
        step = settings or FedAvgMSettings()
        outer = MomentumStep(step.server_learning_rate, step.momentum, step.nesterov)
        super().__init__(outer, step.weighting, **sampling)
        self.step_settings, self.rounds = step, step.over(blocks)

    def rate(self, round: int) -> float:
        """Return the server's learning rate of a round."""
        return self.step_settings.rate(round, self.rounds)
