"""Federated averaging (McMahan et al. 2017, Algorithm 1): the mean of the silos' models is the next model.

With server momentum it is ``fedavgm``, with an adaptive optimizer at the server ``fedopt``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fedasr.common.settings import Settings, one_of
from fedasr.server.outer_step import MomentumStep

from .outer_averaging import WEIGHTS, OuterAveraging

MOMENTUM = "silos are averaged plainly here; server momentum is strategy = 'fedavgm'"
ADAPTIVE = "silos are averaged plainly here; an adaptive server optimizer is strategy = 'fedopt'"
EITHER = "silos are averaged plainly here; a step of the server's own is strategy = 'fedavgm' or 'fedopt'"


@dataclass(frozen=True)
class FedAvgSettings(Settings):
    """How silos count.

    Parameters
    ----------
    weighting : str
        ``"utterances"``: a silo counts by its utterances; ``"uniform"``: every silo counts alike; ``"seconds"``: by
        its seconds of speech.
    """

    former: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("momentum", "nesterov"), MOMENTUM),
        **dict.fromkeys(("server_optimizer", "first_moment", "second_moment", "tau", "step_length"), ADAPTIVE),
        **dict.fromkeys(("server_learning_rate", "server_schedule", "server_warmup"), EITHER),
    }
    weighting: str = one_of("utterances", *WEIGHTS)


class FedAvg(OuterAveraging):
    """Silos train, their models are averaged.

    Parameters
    ----------
    settings : FedAvgSettings, optional
    **sampling
        What Flower's FedAvg takes, such as ``fraction_train``; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = FedAvgSettings

    def __init__(self, settings: FedAvgSettings | None = None, **sampling: Any) -> None:
        super().__init__(MomentumStep(), (settings or FedAvgSettings()).weighting, **sampling)
