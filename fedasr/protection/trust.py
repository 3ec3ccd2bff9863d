"""Trust: against whom an ε holds, and who must be trusted with what for it to hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from typing import Any

from fedasr.privacy.accounting.promise import Promise


@dataclass(frozen=True)
class Trust:
    """Who is trusted with what, and who is guarded against.

    Whoever promises says it: a protection with its guarantee, a strategy that promises by itself with its promise.

    Attributes
    ----------
    words : str
        One line, such as ``"the server is trusted with each silo's change; who sees the model alone is guarded
        against"``.
    beside : tuple of tuple
        Who sees more or less of the same releases than the party that `words` names, and what is promised against them.
    """

    words: str
    beside: tuple[tuple[str, Promise], ...] = ()

    def mapped(self, change: Callable[[Promise], Promise]) -> Trust:
        """Return the same with another promise in the place of each that stands beside."""
        return Trust(self.words, tuple((who, change(promise)) for who, promise in self.beside))

    @property
    def text(self) -> str:
        """The line, with the ε against those who stand beside, rounded up."""
        return "; ".join([self.words, *(f"against {who} {_epsilon(promise)}" for who, promise in self.beside)])

    def fields(self) -> dict[str, Any]:
        """Return what ``privacy.json`` says of it."""
        return {"trust": self.text, "beside": [{"who": who, **promise.fields()} for who, promise in self.beside]}


UNSAID = Trust("who is trusted with what, its protection does not say")


def _epsilon(promise: Promise) -> str:
    if not math.isfinite(promise.epsilon):
        return "nothing is promised"
    return f"ε = {Context(prec=3, rounding=ROUND_CEILING).create_decimal(repr(promise.epsilon)):f}"
