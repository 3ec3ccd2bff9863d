"""What a row takes over with the model that it begins from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fedasr.privacy.accounting.promise import Promise


@dataclass(frozen=True)
class Inheritance:
    """What a model has spent that a row begins from.

    Attributes
    ----------
    charged : tuple of mapping
        The lines of the ledger behind it.
    unprotected : str or None
        A row behind it that learnt from private speech and promised nothing: nobody can promise after it.
    promise : Promise or None
        What was promised of all of it, at the δ of the last promise.
    void : str
        Why no row can promise after it, in words; empty where one can.
    speech : str or None
        What it has heard: `fedasr.engine.stages.origin.Origin`.
    declared : tuple of str
        Models behind it whose speech was declared public.
    told : str
        What is to be said of it; empty where nothing is.
    """

    charged: tuple[Mapping[str, Any], ...] = ()
    unprotected: str | None = None
    promise: Promise | None = None
    void: str = ""
    speech: str | None = None
    declared: tuple[str, ...] = ()
    told: str = ""

    def before(self, promise: Promise) -> Inheritance:
        """Return what a row takes over that promises this: nothing where it can keep no promise after it."""
        behind, void = self.promise, self.void
        if self.charged and not void and (behind is None or not _alike(behind, promise)):
            was = "no promise" if behind is None else f"a promise to another unit ({behind.unit}, {behind.adjacency})"
            void = f"promises nothing: the model that it begins from was made under {was}, and nothing adds up"
        return replace(self, charged=(), promise=None, void=void) if void else self


def _alike(one: Promise, other: Promise) -> bool:
    return (one.unit, one.adjacency) == (other.unit, other.adjacency)
