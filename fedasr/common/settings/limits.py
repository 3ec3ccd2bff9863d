"""What a field may hold: limits beside the field, in its metadata."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limits:
    """The limits of a field. Those of a tuple's field hold for each of its items.

    Parameters
    ----------
    above, least, below, most : float, optional
        Bounds of a number; ``below = inf`` says that it must be finite.
    choices : tuple of str
        The only texts that are allowed; empty allows all.
    mend : str
        What to do instead, told with a number out of bounds.
    """

    above: float | None = None
    least: float | None = None
    below: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    mend: str = ""

    def hold(self, value: float) -> bool:
        """Return whether a number lies within the bounds; NaN never does."""
        return value == value and (
            (self.above is None or value > self.above)
            and (self.least is None or value >= self.least)
            and (self.below is None or value < self.below)
            and (self.most is None or value <= self.most)
        )

    @property
    def finite(self) -> bool:
        """Whether the only bound above is that the number is finite."""
        return self.below == math.inf

    def words(self) -> str:
        """Return the bounds in words, such as ``"of at least 0 and below 1"``; empty without any."""
        below = None if self.finite else self.below
        bounds = {"above": self.above, "at least": self.least, "below": below, "at most": self.most}
        told = " and ".join(f"{word} {bound:.6g}" for word, bound in bounds.items() if bound is not None)
        return f"of {told}" if told.startswith("at ") else told


def limits_of(field: dataclasses.Field[Any]) -> Limits:
    """Return the limits of a field."""
    names = {each.name for each in dataclasses.fields(Limits)}
    return Limits(**{name: limit for name, limit in field.metadata.items() if name in names})


def number(default: Any = dataclasses.MISSING, **limits: Any) -> Any:
    """Return a field with bounds; `limits` as in `Limits`. Without a default it is required."""
    return _field(default, limits)


def least(default: Any, bound: float) -> Any:
    """Return a field with a lower bound."""
    return number(default, least=bound)


def share(default: float) -> Any:
    """Return a field between 0 and 1."""
    return number(default, least=0.0, most=1.0)


def one_of(default: str, *choices: str) -> Any:
    """Return a field with named choices, the default among them."""
    return _field(default, {"choices": choices})


def _field(default: Any, limits: Mapping[str, Any]) -> Any:
    return dataclasses.field(default=default, metadata=limits)
