"""How fast the machines compute: speeds, stragglers and drop-outs, all from seeds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.common.settings import Mistake, Settings, number, one_of, share


@dataclass(frozen=True)
class Devices(Settings):
    """Speeds of the silos' machines, relative to the machine on which compute time was measured.

    Parameters
    ----------
    kind : {"fixed", "lognormal", "file"}
        All alike; ``speed · exp(sigma · z)`` with z standard normal; or factors from a file.
    speed : float
        The median speed; it multiplies factors from a file too.
    sigma : float
        The spread of log-normal speeds.
    path : str
        A JSON list or comma-separated factors; silo n has factor n, and the list begins again after its last.
    straggler_share : float
        The probability with which a silo lags in a round.
    straggler_slowdown : float
        How many times longer it takes then.
    """

    kind: str = one_of("fixed", "fixed", "lognormal", "file")
    speed: float = number(1.0, above=0, below=math.inf)
    sigma: float = number(0.0, least=0, below=math.inf)
    path: str = ""
    straggler_share: float = share(0.0)
    straggler_slowdown: float = number(1.0, least=1, below=math.inf)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what belongs to another kind."""
        if (self.kind == "file") != bool(self.path):
            yield Mistake("{0} goes with {1} = 'file', and only with it", ("path", "kind"))
        if self.kind != "lognormal":
            yield from self.without_effect("sigma", unless="kind = 'lognormal'")

    def speeds(self, sequence: np.random.SeedSequence, silos: int) -> NDArray[np.float64]:
        """Return the speed of silos 0 to `silos` − 1; silo n's does not depend on how many there are."""
        if self.kind == "file":
            return np.resize(np.array(read_factors(Path(self.path))) * self.speed, silos)
        if self.kind == "fixed" or self.sigma == 0:
            return np.full(silos, self.speed)
        return self.speed * np.exp(self.sigma * np.random.default_rng(sequence).standard_normal(silos))

    def median_speed(self) -> float:
        """Return the speed of a middling machine: what a speed-up is measured against."""
        return float(np.median(read_factors(Path(self.path)))) * self.speed if self.kind == "file" else self.speed

    def slowdowns(self, sequence: np.random.SeedSequence, silos: int) -> NDArray[np.float64]:
        """Return how many times longer each silo takes in the round that `sequence` belongs to."""
        if self.straggler_share == 0:
            return np.ones(silos)
        lags = np.random.default_rng(sequence).random(silos) < self.straggler_share
        return np.where(lags, self.straggler_slowdown, 1.0)


def dropped(sequence: np.random.SeedSequence, silos: Sequence[int], probability: float) -> set[int]:
    """Return which of the silos drop out; silo n's fate does not depend on who else takes part."""
    if probability == 0 or not silos:
        return set()
    draws = np.random.default_rng(sequence).random(max(silos) + 1)
    return {silo for silo in silos if draws[silo] < probability}


def read_factors(path: Path) -> list[float]:
    """Read speed factors from a file.

    Raises
    ------
    UserError
        Where it cannot be read, is empty, or holds anything but positive numbers.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({type(error).__name__}); set devices.path to a list") from error
    try:
        cells = json.loads(text) if text.startswith("[") else text.replace("\n", ",").split(",")
        factors = [float(cell) for cell in cells if str(cell).strip()]
    except (ValueError, TypeError):
        raise UserError(f"{path}: not a JSON list of numbers, nor numbers with commas between them") from None
    if not factors or not all(np.isfinite(f) and f > 0 for f in factors):
        raise UserError(f"{path}: speed factors must be finite numbers above 0, at least one")
    return factors


def child(sequence: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """Return the stream under a key below another stream."""
    return np.random.SeedSequence(entropy=sequence.entropy, spawn_key=(*sequence.spawn_key, *key))
