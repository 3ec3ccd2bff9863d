"""FedOpt (Reddi et al. 2021, arXiv 2003.00295): federated averaging with an adaptive optimizer at the server.

FedAdam, FedYogi and FedAdagrad (Algorithm 2 there), and LAMB (You et al. 2020, arXiv 1904.00962), which gives each
layer a step in proportion to its own size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedasr.common.settings import Mistake, Settings, number, one_of
from fedasr.messages.coded.returned import LAYERS
from fedasr.server.adaptive_step import SECOND_MOMENTS, AdaptiveStep
from fedasr.server.conditions import Conditions
from fedasr.server.layerwise_step import LAMB_EPSILON, LayerwiseStep
from fedasr.server.outer_step import momentum_within
from fedasr.training.parameters import ALL

from .fedavgm import ServerRateSettings
from .outer_averaging import OuterAveraging

LAMB = "lamb"
MOMENTS = {"adagrad": (0.0, 0.99), LAMB: (0.9, 0.999)}
"""β1, at most, and β2 of an optimizer by default, where they are not 0.9 and 0.99."""


@dataclass(frozen=True)
class FedOptSettings(ServerRateSettings):
    """How the server takes its step.

    Parameters
    ----------
    server_optimizer : str
        ``"adam"``, ``"yogi"``, ``"adagrad"`` or ``"lamb"``.
    first_moment : float, optional
        β1; by default 0.9, where the rounds leave room for it (below 80: 1 - 8/rounds), and 0 for Adagrad.
    second_moment : float, optional
        β2; by default 0.99, and 0.999 for LAMB. Adagrad has none.
    tau : float, optional
        τ, the degree of adaptivity; by default the root mean square of the first mean change. For LAMB ε, 1e-6.
    layers : tuple of str
        Patterns of the parameters that are trained, sent and moved, such as ``"ctc.*"``; the others stay as they are.
    step_length : str
        ``"mean change"`` makes the step as long as the server's learning rate times the mean change, with β1 its
        running mean, as averaging does; ``"published"`` multiplies each value's direction by the rate.
    """

    server_optimizer: str = one_of("adam", *SECOND_MOMENTS, LAMB)
    first_moment: float | None = number(None, least=0, below=1)
    second_moment: float | None = number(None, least=0, below=1)
    tau: float | None = number(None, above=0, below=math.inf)
    layers: tuple[str, ...] = ALL
    step_length: str = one_of("mean change", "mean change", "published")

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what the optimizer does not use, and to train nothing."""
        if not self.layers:
            yield Mistake("{0} chooses no parameter; leave it out to train all", ("layers",))
        if self.server_optimizer == "adagrad":
            yield from self.without_effect("second_moment", unless="server_optimizer = 'adam', 'yogi' or 'lamb'")

    def outer_step(self, rounds: int) -> AdaptiveStep:
        """Return the outer optimizer of a training of so many rounds, new."""
        first, second = MOMENTS.get(self.server_optimizer, (0.9, 0.99))
        first = momentum_within(rounds, first) if self.first_moment is None else self.first_moment
        second = second if self.second_moment is None else self.second_moment
        rate, published = self.server_learning_rate, self.step_length == "published"
        if self.server_optimizer == LAMB:
            return LayerwiseStep("adam", rate, first, second, self.tau or LAMB_EPSILON, published)
        return AdaptiveStep(self.server_optimizer, rate, first, second, self.tau, published)


class FedOpt(OuterAveraging):
    """Silos train, the server takes a step of an adaptive optimizer by the mean of their changes.

    Parameters
    ----------
    settings : FedOptSettings, optional
    blocks : int
        The rounds, over which a schedule falls and by which β1 is chosen; fedasr sets it.
    **sampling
        What Flower's FedAvg takes, such as ``fraction_train``; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = FedOptSettings
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: FedOptSettings | None = None, blocks: int = 1, **sampling: Any) -> None:
        step = settings or FedOptSettings()
        super().__init__(step.outer_step(blocks), step.weighting, **sampling)
        self.step_settings, self.rounds = step, step.over(blocks)

    def lacking(self, conditions: Conditions) -> Iterable[str]:
        """Return which patterns of layers fit none."""
        return conditions.layers(self.step_settings.layers)

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Ask the silos of the round for the layers that are trained."""
        if self.step_settings.layers != ALL:
            config[LAYERS] = list(self.step_settings.layers)
        return super().configure_train(server_round, arrays, config, grid)

    def rate(self, round: int) -> float:
        """Return the server's learning rate of a round."""
        return self.step_settings.rate(round, self.rounds)
