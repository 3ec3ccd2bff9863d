"""The central trainer: AdamW with a one-cycle schedule over speech that the server may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser, Weights
from fedasr.common.randomness import Streams
from fedasr.common.settings import Settings, least, number
from fedasr.common.threads import one_thread
from fedasr.training.batches import seconds_of
from fedasr.training.gradients import LANES, clip_norm_, lanes_gradient
from fedasr.training.learner import Learner
from fedasr.training.optimizer_state import moments_of, restore_moments
from fedasr.training.schedule import one_cycle

State = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class TrainerSpec(Settings):
    """How the centre trains.

    Parameters
    ----------
    epochs : int
        Passes over the speech.
    batch_size : int
        Utterances of a step.
    learning_rate : float
        The peak of the one-cycle schedule.
    weight_decay : float
    gradient_norm : float
        Gradients are clipped to this global L2 norm; ``inf`` switches it off.
    """

    epochs: int = least(60, 1)
    batch_size: int = least(16, 1)
    learning_rate: float = least(1e-3, 0.0)
    weight_decay: float = least(0.01, 0.0)
    gradient_norm: float = number(5.0, above=0, mend="inf switches it off")


@dataclass
class CentralTrainer:
    """Trains one recogniser, an epoch at a time, and can be stopped and resumed between epochs.

    All randomness of an epoch comes from that epoch's own stream, so that a resumed training gives
    the bits of an uninterrupted one.

    Parameters
    ----------
    learner : Learner
        Its recogniser is trained in place.
    spec : TrainerSpec
    streams : Streams
    purpose : str
        Names the streams: two trainings in one row need two purposes.
    """

    learner: Learner
    spec: TrainerSpec
    streams: Streams
    purpose: str = "central"
    epoch: int = 0
    _optimizer: torch.optim.AdamW = field(init=False)

    def __post_init__(self) -> None:
        self._optimizer = torch.optim.AdamW(
            self.recogniser.parameters(), self.spec.learning_rate, (0.9, 0.98),
            weight_decay=self.spec.weight_decay,
        )  # fmt: skip

    @property
    def recogniser(self) -> Recogniser:
        """What is trained."""
        return self.learner.recogniser

    @property
    def epochs(self) -> int:
        """How many epochs there are."""
        return self.spec.epochs

    def seconds_an_epoch(self) -> float:
        """Return the seconds of speech that an epoch reads."""
        return seconds_of(self.learner.examples)

    def weights(self) -> Weights:
        """Return the model."""
        return self.recogniser.weights()

    def run(self, after_epoch: Callable[[int, float], None] = lambda epoch, loss: None) -> None:
        """Train to the end, calling `after_epoch` with the epochs done and the epoch's mean loss."""
        with one_thread(), ThreadPoolExecutor(LANES + 1) as executor:
            while self.epoch < self.spec.epochs:
                loss = self._run_epoch(executor)
                self.epoch += 1
                after_epoch(self.epoch, loss)

    def _run_epoch(self, executor: ThreadPoolExecutor) -> float:
        generator = self.streams.numpy(self.purpose, self.epoch)
        masks = [self.streams.torch(f"{self.purpose} dropout {lane}", self.epoch) for lane in range(LANES)]
        batches = self.learner.batches(generator)
        lanes = executor.submit(self._lanes, batches[0], generator)
        losses = []
        for step in range(len(batches)):
            self._set_rate((self.epoch + step / len(batches)) / self.spec.epochs)
            following = batches[step + 1] if step + 1 < len(batches) else []
            ready, lanes = lanes.result(), executor.submit(self._lanes, following, generator)
            losses.append(self._step(ready, masks, executor))
        return float(np.mean(losses))

    def _lanes(self, indices: list[int], generator: np.random.Generator) -> list[Batch]:
        """Make the lanes of one step, while those of the step before are computed."""
        parts = [indices[lane::LANES] for lane in range(min(LANES, len(indices)))]
        return [self.learner.batch(part, generator) for part in parts]

    def _step(self, lanes: list[Batch], masks: list[torch.Generator], executor: ThreadPoolExecutor) -> float:
        loss, gradient = lanes_gradient(self.learner.gradient, lanes, masks[: len(lanes)], executor)
        clip_norm_(gradient, self.spec.gradient_norm)
        for parameter, part in zip(self.recogniser.parameters(), gradient, strict=True):
            parameter.grad = part
        self._optimizer.step()
        return loss

    def _set_rate(self, progress: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = one_cycle(progress, self.spec.learning_rate)

    def state(self) -> State:
        """Return weights, optimizer state and the epochs done, as arrays by name."""
        arrays: State = {"epoch": np.array(self.epoch)}
        arrays |= {f"weights/{name}": array for name, array in self.recogniser.weights().items()}
        moments = moments_of(self._optimizer, dict(self.recogniser.named_parameters()))
        return arrays | {f"optimizer/{name}": array for name, array in moments.items()}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from what `state` returned."""
        self.epoch = int(arrays["epoch"])
        self.recogniser.load({n[8:]: a for n, a in arrays.items() if n.startswith("weights/")})  # type: ignore[misc]
        moments = {n[10:]: a for n, a in arrays.items() if n.startswith("optimizer/")}
        restore_moments(self._optimizer, dict(self.recogniser.named_parameters()), moments)
