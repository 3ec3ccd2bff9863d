"""How a row trains, in the words of a table: optimizer, rate, schedule, steps, batch, clip.

A strategy whose silos train by the row's ``[training]`` need say nothing. Any other has a method
``recipe(training, central)`` that returns a `Recipe`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from flwr.serverapp.strategy import Strategy

from fedasr.experiment.training import TrainingSpec
from fedasr.student.trainer import TrainerSpec

ONE_CYCLE = "one cycle"
"""The schedule of the centre."""


@dataclass(frozen=True)
class Recipe:
    """How a row trains; empty where there is nothing of the kind.

    Attributes
    ----------
    optimizer, learning_rate, schedule : str
        Of those who take the gradients: the silos, or the centre.
    steps : str
        What a silo does for one message, or the centre in all.
    batch, clip : str
        Utterances (or seconds) of a step, and the bound on its gradient, or on whatever else a protection bounds.
    server : str
        The server's own step.
    """

    optimizer: str = ""
    learning_rate: str = ""
    schedule: str = ""
    steps: str = ""
    batch: str = ""
    clip: str = ""
    server: str = ""

    @classmethod
    def of_silos(cls, training: TrainingSpec, steps: str = "") -> Recipe:
        """Return that of silos which train by the settings of ``[training]``."""
        momentum = f", momentum {training.momentum:g}" if training.momentum and training.optimizer == "sgd" else ""
        decay = f", weight decay {training.weight_decay:g}" if training.weight_decay else ""
        local = f"{training.local_epochs} epochs" if training.local_epochs else f"{training.local_steps}"
        return cls(
            training.optimizer + momentum + decay, f"{training.learning_rate:g}",
            "constant" if training.decay == 1 else f"linear to {training.decay:g}", steps or local,
            _batch(training), _clip(training.gradient_norm),
        )  # fmt: skip

    @classmethod
    def of_centre(cls, central: TrainerSpec, epochs: int) -> Recipe:
        """Return that of the centre, which trains by the settings of ``[central]``."""
        decay = f", weight decay {central.weight_decay:g}" if central.weight_decay else ""
        return cls(
            "adamw" + decay, f"{central.learning_rate:g}", ONE_CYCLE, f"{epochs} epochs", _batch(central),
            _clip(central.gradient_norm),
        )  # fmt: skip

    def protected(self, said: Mapping[str, str], bounds_replies: bool, whose: str = "") -> Recipe:
        """Return the recipe under a protection.

        ``gradient_norm`` cuts beside it: before where replies are bounded, else after, unless gradients are descended
        by otherwise.

        Parameters
        ----------
        said : mapping of str to str
            What `fedasr.protection.protection.Protection.said` returns.
        bounds_replies : bool
        whose : str
            Words before the clip.
        """
        if "clip" not in said:
            return replace(self, **said)
        clip, step = said["clip"], f"a step's at {self.clip}"
        if self.clip and "optimizer" not in said:
            clip = f"{step}; then {clip}" if bounds_replies else f"{clip}; then {step}"
        return replace(self, **{**said, "clip": whose + clip})

    def cells(self) -> dict[str, str]:
        """Return what there is, by its name in words."""
        return {name.replace("_", " "): text for name, text in asdict(self).items() if text}


def recipe_of(strategy: Strategy, training: TrainingSpec, central: TrainerSpec) -> Recipe:
    """Return how the rows of a strategy train."""
    own = getattr(strategy, "recipe", None)
    found: Recipe = own(training, central) if own is not None else Recipe.of_silos(training)
    return found


def _batch(spec: TrainingSpec | TrainerSpec) -> str:
    return f"{spec.batch_seconds:g} s" if spec.batch_seconds else str(spec.batch_size)


def _clip(norm: float) -> str:
    return "" if math.isinf(norm) else f"{norm:g}"
