"""What every mechanism can say of itself."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.conversion import Curve
from fedasr.privacy.adjacency import Adjacency


class Mechanism:
    """One release of something noisy. Subclasses are frozen dataclasses of public numbers.

    Attributes
    ----------
    kind : str
        The name in commands, ledgers and reports.
    is_gaussian : bool
        Whether the release is a Gaussian sum, sampled or not, that privacy-loss distributions account exactly.
    """

    kind: ClassVar[str]
    is_gaussian: ClassVar[bool] = False

    def sensitivity(self, adjacency: Adjacency) -> float:
        """Return how far one unit moves what the noise hides (in the norm the docstring of the class names)."""
        raise NotImplementedError

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        """Return the data-independent Rényi divergence of one release at each order."""
        raise NotImplementedError

    def gaussian_mu(self, adjacency: Adjacency) -> float | None:
        """Return Δ/σ where the release is a Gaussian one without sampling; None where it is not, or not bounded so."""
        return None

    def pure_epsilon(self, adjacency: Adjacency) -> float:
        """Return the ε that holds with δ = 0; infinite where there is none."""
        return math.inf

    def parts(self) -> tuple[Mechanism, ...]:
        """Return what a release is charged as, one by one: together they cost no less than the whole."""
        return (self,)

    def unsampled(self) -> Mechanism:
        """Return the release as it is where every unit takes part: what sampling amplifies is taken away."""
        return self

    def fields(self) -> dict[str, Any]:
        """Return the mechanism as JSON."""
        return {"kind": self.kind, **dataclasses.asdict(self)}  # type: ignore[call-overload]


def checked_number(name: str, value: float, least: float = 0.0, infinite: bool = False) -> None:
    """Refuse NaN, numbers below ``least`` and, unless they have a meaning, infinite ones."""
    if math.isnan(value) or value < least or (math.isinf(value) and not infinite):
        raise UserError(f"{name} = {value}: must be a number, at least {least:g}{'' if infinite else ', and finite'}")


def ratio_of(sensitivity: float, noise: float) -> float:
    """Return Δ/σ: 0 where nothing moves, infinite without noise."""
    return 0.0 if sensitivity == 0 else math.inf if noise == 0 else sensitivity / noise


def gaussian_rdp_curve(orders: Curve, sensitivity: float, noise: float) -> Curve:
    """Return the Gaussian mechanism's ``a Δ²/(2σ²)``; infinite without noise or with an infinite sensitivity."""
    if sensitivity == 0:
        return orders * 0.0
    if noise == 0 or math.isinf(sensitivity):
        return orders * math.inf
    return orders * (sensitivity / noise) ** 2 / 2
