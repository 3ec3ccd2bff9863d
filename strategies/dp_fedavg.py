"""DP-FedAvg (McMahan et al. 2018, arXiv 1710.06963): averaging that hides any one silo.

Guarantee: each round releases the sum of the clipped changes of a cohort that each silo joins by an independent
coin, plus Gaussian noise of ``z`` clip norms on each value that is trained: a `SampledGaussian` release, unit
silo. The sum is divided by the *expected* cohort, a public number. Server steps, momentum and averages of
iterates only look at releases.

=====================  ==============================================================
noise multiplier 0     ε is infinite and not printed: nothing is promised
clip norm infinite     refused, unless the noise multiplier is 0
empty cohort           noise alone is released, and charged as any round
a change is not finite the silo is refused and counts as not in the cohort
a silo fails           the same; who was in the cohort is the simulator's to know
=====================  ==============================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from flwr.app import ArrayRecord, Message
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result
from numpy.typing import NDArray

from fedasr.common.errors import RowError, UserError
from fedasr.common.files import Arrays
from fedasr.common.settings import Mistake, Settings, number, one_of, share
from fedasr.grid.exchange import Mean
from fedasr.messages.kinds import GRADIENT, TRAIN
from fedasr.messages.records import CHANGE, array_record, arrays_of
from fedasr.messages.train_request import TrainRequest
from fedasr.privacy.accounting.calibration import noise_for
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.noise import Noise
from fedasr.protection.releases import Charge
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with
from fedasr.server.outer_step import MomentumStep
from fedasr.training.parameters import chosen_names

Weights = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class DPFedAvgSettings(Settings):
    """What is promised, and what is done with the noisy mean.

    Parameters
    ----------
    epsilon : float
        The target that the noise is planned for.
    delta : float
        The δ of the target.
    noise_multiplier : float, optional
        Given instead of planned.
    clip_norm : float
        The largest L2 norm of a silo's change.
    adjacency : str
        ``"replace-one"`` or ``"add-remove"``.
    layers : tuple of str
        Patterns of the parameters that are trained and noised, such as ``"ctc.*"``; the rest stays public.
    server_learning_rate : float
        Of the step with the noisy mean; it cannot change the privacy.
    server_momentum : float
        Of the same step; nor can it.
    average : float
        The last share of the rounds whose models are averaged into the result; 0 takes the last model.
    exchange : str
        ``"model"`` (local steps, then the change) or ``"gradient"`` (DP-SGD at the level of silos: the change
        that one mini-batch asks for).
    """

    epsilon: float = number(8.0, above=0, below=math.inf)
    delta: float = number(1e-5, above=0, below=1)
    noise_multiplier: float | None = number(None, least=0, below=math.inf)
    clip_norm: float = number(1.0, above=0)
    adjacency: Adjacency = "replace-one"
    layers: tuple[str, ...] = ("*",)
    server_learning_rate: float = number(1.0, above=0, below=math.inf)
    server_momentum: float = number(0.0, least=0, below=1)
    average: float = share(0.5)
    exchange: str = one_of("model", "model", "gradient")

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse noise that would be infinite, and a target that plans nothing."""
        if math.isinf(self.clip_norm) and self.noise_multiplier != 0:
            yield Mistake("{0} must be finite, not inf: noise is a multiple of it", ("clip_norm",))
        if self.noise_multiplier is not None:
            yield from self.without_effect("epsilon", unless="noise that is planned; leave out noise_multiplier")


class DPFedAvg(CentralStrategy):
    """User-level differential privacy: clipped changes, Poisson cohorts, noise at the server.

    Parameters
    ----------
    settings : DPFedAvgSettings, optional
    """

    settings_class: ClassVar[type[Settings]] = DPFedAvgSettings

    def __init__(self, settings: DPFedAvgSettings | None = None) -> None:
        self.settings = settings or DPFedAvgSettings()
        self.kind = TRAIN if self.settings.exchange == "model" else GRADIENT
        self.outer = MomentumStep(self.settings.server_learning_rate, self.settings.server_momentum)

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Train, a release a round."""
        rounds, silos = central.training.rounds, central.grid.silos
        rate = min(central.training.silos_per_round or silos, silos) / silos
        self._check(central)
        mechanism = self._mechanism(rounds, rate)
        central.releases.promise("silo", self.settings.adjacency, self.settings.delta, ("poisson", "poisson"))
        # In the order of the names, which files keep too: noise is drawn in it.
        weights, total, first = dict(sorted(central.start.items())), self._zeros(central), 1
        saved = central.resume()
        if saved:
            first, (weights, total) = saved[0] + 1, self._restored(saved[1], list(weights))
        else:
            central.after_round(0, rounds, lambda: weights, lambda: None)
        for round in range(first, rounds + 1):
            made = central.releases.make(
                f"round.{round}", lambda _: [Charge(mechanism, 1)],
                lambda noise: self._noisy_sum(central, round, weights, rate, mechanism, noise),  # noqa: B023
            )  # fmt: skip
            mean = {name: array / (rate * silos) for name, array in made.items()}
            zeros = {name: np.zeros_like(array) for name, array in weights.items() if name not in mean}
            weights = dict(self.outer.move(weights, {**zeros, **mean}))
            if round > rounds * (1 - self.settings.average):
                total = {name: total[name] + weights[name] for name in total}
            central.after_round(round, rounds, lambda: weights, lambda: self._state(weights, total))  # noqa: B023
        return result_with(array_record(self._averaged(weights, total, rounds)))

    def _check(self, central: Central) -> None:
        """Refuse what would release noise round after round and nothing else."""
        try:
            chosen_names(central.start, self.settings.layers)
        except UserError as error:
            raise RowError(str(error)) from error
        if self.kind == GRADIENT and (central.training.optimizer != "sgd" or central.training.weight_decay):
            raise RowError("gradients are exchanged for SGD without weight decay; set training.optimizer = 'sgd'")

    def _mechanism(self, rounds: int, rate: float) -> SampledGaussian:
        plan = self.settings
        multiplier = plan.noise_multiplier
        if multiplier is None:
            kind = "sampled-gaussian"
            multiplier = noise_for(kind, rounds, plan.epsilon, plan.delta, plan.adjacency, rate=rate)
        return SampledGaussian(multiplier, plan.clip_norm, rate)

    def _noisy_sum(
        self, central: Central, round: int, weights: Weights, rate: float, mechanism: SampledGaussian, noise: Noise
    ) -> Arrays:
        """Return the noisy sum of the clipped changes of a cohort, on the chosen layers."""
        grid = central.grid
        joins = noise.uniform(grid.silos) < rate
        content = TrainRequest(weights, round, layers=self.settings.layers).to_record()
        cohort = [node for node, is_in in zip(grid.get_node_ids(), joins, strict=True) if is_in]
        answers = grid.exchange(
            [Message(content, node, self.kind.name) for node in cohort], round=round,
            mean=Mean(clip_norm=self.settings.clip_norm), timeout=central.training.timeout_seconds,
        )  # fmt: skip
        chosen = chosen_names(weights, self.settings.layers)
        sums: dict[str, NDArray[Any]] = {name: np.zeros(weights[name].shape) for name in chosen}
        if answers.answered:
            mean = arrays_of(answers.good[0].content.array_records[CHANGE])
            sums = {name: np.asarray(mean[name], np.float64) * answers.answered for name in chosen}
        deviation = mechanism.noise_multiplier * self.settings.clip_norm if mechanism.noise_multiplier else 0.0
        noisy = {name: array + noise.normal(array.shape, deviation) for name, array in sums.items()}
        return {name: array.astype(weights[name].dtype) for name, array in noisy.items()}

    def _zeros(self, central: Central) -> dict[str, NDArray[np.float64]]:
        return {name: np.zeros(array.shape) for name, array in central.start.items()}

    def _averaged(self, weights: Weights, total: Weights, rounds: int) -> dict[str, NDArray[Any]]:
        counted = rounds - math.floor(rounds * (1 - self.settings.average))
        if self.settings.average == 0 or counted < 1:
            return dict(weights)
        return {name: (array / counted).astype(weights[name].dtype) for name, array in total.items()}

    def _state(self, weights: Weights, total: Weights) -> dict[str, NDArray[Any]]:
        parts = {"weights": weights, "total": total, "velocity": self.outer.velocity}
        return {f"{part}/{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    def _restored(
        self, state: Weights, names: Sequence[str]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        def part(name: str) -> dict[str, NDArray[Any]]:
            return {key: state[f"{name}/{key}"] for key in names if f"{name}/{key}" in state}

        self.outer.velocity = part("velocity")
        return part("weights"), part("total")
