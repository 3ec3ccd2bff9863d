"""Training with DP-SGD: the optimizer's side, which sees noisy gradients only and costs no privacy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from fedasr.asr.recogniser import Recogniser, Weights
from fedasr.common.randomness import SERVER, Streams
from fedasr.common.settings import least, one_of, share
from fedasr.common.threads import one_thread
from fedasr.privacy.noise import Noise, ReproducibleNoise, SecureNoise
from fedasr.protection.dp_sgd.averaging import Average
from fedasr.protection.dp_sgd.plan import DPSGDPlan, DPSGDSpec, NoisyGradient, noisy_gradient
from fedasr.training.learner import Learner
from fedasr.training.optimizer_state import moments_of, restore_moments
from fedasr.training.parameters import trained_parameters

State = dict[str, NDArray[np.generic]]
NoiseOfStep = Callable[[int], Noise]


@dataclass(frozen=True)
class DescentSpec:
    """What is done with noisy gradients. Nothing here can change the guarantee, if it is chosen on public speech.

    Parameters
    ----------
    optimizer : str
        ``"sgd"`` or ``"adam"``, on the noisy gradient.
    learning_rate, momentum : float
        Momentum is SGD's.
    decay : float
        The learning rate falls linearly over the steps to this share of itself.
    average : float
        The share of the last steps whose iterates are averaged; 0 takes the last iterate.
    average_decay : float
        1 averages them evenly; less favours later ones, by this factor a step.
    layers : tuple of str
        Patterns of the names of the parameters that are trained; the others stay as they are, without noise.
    most_at_once : int
        Utterances whose gradients are in memory together.
    """

    optimizer: str = one_of("sgd", "sgd", "adam")
    learning_rate: float = least(0.1, 0.0)
    momentum: float = share(0.0)
    decay: float = share(1.0)
    average: float = share(0.0)
    average_decay: float = share(1.0)
    layers: tuple[str, ...] = ("*",)
    most_at_once: int = least(16, 1)


def secure_noise(step: int) -> Noise:
    """Return the noise that a guarantee needs; a step taken again is a release of its own."""
    return SecureNoise()


def reproducible_noise(streams: Streams, purpose: str, silo: int = SERVER) -> NoiseOfStep:
    """Return noise that a step taken again draws again. It voids the guarantee."""
    return lambda step: ReproducibleNoise(streams.sequence(f"{purpose} dp-sgd", step, silo))


@dataclass
class DPTrainer:
    """Trains one recogniser with DP-SGD, step by step, and can be stopped and resumed between steps.

    For the guarantee see `DPSGDPlan`. A step that was taken but is not in the state a training resumes from is taken
    again with other noise; if anyone saw the first (its weights were sent, or its state was stored), both are charged.

    Parameters
    ----------
    learner : Learner
        Its recogniser is trained in place.
    spec : DPSGDSpec
        What the guarantee depends on.
    descent : DescentSpec
        What it does not depend on.
    noise : callable
        The source of all randomness of a step: `secure_noise`, or `reproducible_noise`, which voids the guarantee.
    step : int
        Steps done.
    """

    learner: Learner
    spec: DPSGDSpec
    descent: DescentSpec
    noise: NoiseOfStep = secure_noise
    step: int = 0
    plan: DPSGDPlan = field(init=False)
    _average: Average = field(init=False)
    _optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.plan = DPSGDPlan(self.spec, len(self.learner.examples))
        self._average = Average(self.descent.average, self.descent.average_decay)
        parameters, rate = list(self._trained.values()), self.descent.learning_rate
        if self.descent.optimizer == "adam":
            self._optimizer = torch.optim.Adam(parameters, rate, (0.9, 0.98))
        else:
            self._optimizer = torch.optim.SGD(parameters, rate, self.descent.momentum)

    @property
    def recogniser(self) -> Recogniser:
        """What is trained."""
        return self.learner.recogniser

    @property
    def _trained(self) -> dict[str, torch.nn.Parameter]:
        return trained_parameters(self.recogniser, self.descent.layers)

    def run(self, after_step: Callable[[int, NoisyGradient], None] = lambda step, taken: None) -> None:
        """Train to the end, calling `after_step` with the steps done and what the last one did."""
        self.run_until(self.spec.steps, after_step)

    def run_until(self, last: int, after_step: Callable[[int, NoisyGradient], None] = lambda step, taken: None) -> None:
        """Train until so many steps are done."""
        with one_thread():
            while self.step < min(last, self.spec.steps):
                taken = self._take_step()
                self.step += 1
                self._average.add(self.step, self.spec.steps, self._own())
                after_step(self.step, taken)

    def _take_step(self) -> NoisyGradient:
        descent = self.descent
        noise = self.noise(self.step)
        taken = noisy_gradient(self.learner, self.plan, noise, descent.layers, descent.most_at_once)
        fallen = (1 - descent.decay) * self.step / self.spec.steps
        for group in self._optimizer.param_groups:
            group["lr"] = descent.learning_rate * (1 - fallen)
        for parameter, part in zip(self._trained.values(), taken.gradient, strict=True):
            parameter.grad = part
        self._optimizer.step()
        return taken

    def _own(self) -> dict[str, NDArray[np.floating]]:
        return {name: value.detach().cpu().numpy() for name, value in self._trained.items()}

    def weights(self) -> Weights:
        """Return all weights, those that are trained averaged as the specification says."""
        return {**self.recogniser.weights(), **(self._average.weights() or {})}

    def state(self) -> State:
        """Return weights, optimizer state, average and steps done, as arrays by name."""
        arrays: State = {"step": np.array(self.step)}
        arrays |= {f"average/{name}": array for name, array in self._average.state().items()}
        arrays |= {f"weights/{name}": array for name, array in self.recogniser.weights().items()}
        moments = moments_of(self._optimizer, self._trained)
        return arrays | {f"optimizer/{name}": array for name, array in moments.items()}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from what `state` returned."""
        self.step = int(arrays["step"])
        self._average.restore({n[8:]: a for n, a in arrays.items() if n.startswith("average/")})
        self.recogniser.load({n[8:]: a for n, a in arrays.items() if n.startswith("weights/")})  # type: ignore[misc]
        moments = {n[10:]: a for n, a in arrays.items() if n.startswith("optimizer/")}
        restore_moments(self._optimizer, self._trained, moments)
