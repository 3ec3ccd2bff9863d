"""Finding: one figure of a run folder beside the same figure computed again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

OF_A_SUM = 1e-9
"""Relative: float64 sums of at most a million terms, added in another order, differ by less."""


@dataclass(frozen=True)
class Finding:
    """What was compared, and whether it holds.

    Attributes
    ----------
    check : str
        The check's name, such as ``"bytes"``.
    file : str
        Relative to the run folder.
    what : str
        Which figure of the file.
    written, found : object
        As it stands there, and as it was computed again.
    holds : bool or None
        None where the folder does not hold what would tell; `found` then says what is missing.
    """

    check: str
    file: str
    what: str
    written: Any
    found: Any
    holds: bool | None

    def line(self) -> str:
        """Return it as one line."""
        return f"{self.check}: {self.file}: {self.what}: written {_told(self.written)}, found {_told(self.found)}"


@dataclass(frozen=True)
class Scribe:
    """Makes the findings of one check on one file.

    Parameters
    ----------
    check, file : str
    """

    check: str
    file: str

    def same(self, what: str, written: Any, found: Any, relative: float = 0.0) -> Finding:
        """Return whether two values are equal; numbers within a relative tolerance, where one is given."""
        return Finding(self.check, self.file, what, written, found, _equal(written, found, relative))

    def within(self, what: str, written: Any, low: float, high: float) -> Finding:
        """Return whether a number lies between two ends, both included."""
        is_inside = _is_number(written) and low <= written <= high
        return Finding(self.check, self.file, what, written, f"{low:.9g} to {high:.9g}", is_inside)

    def holds(self, what: str, is_so: bool, written: Any, found: Any) -> Finding:
        """Return whether a statement holds."""
        return Finding(self.check, self.file, what, written, found, is_so)

    def unknown(self, what: str, written: Any, missing: str) -> Finding:
        """Return that the folder does not hold what would tell."""
        return Finding(self.check, self.file, what, written, missing, None)


def wrong(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that do not hold."""
    return [found for found in findings if found.holds is False]


def _equal(written: Any, found: Any, relative: float) -> bool:
    if relative and _is_number(written) and _is_number(found):
        return math.isclose(written, found, rel_tol=relative, abs_tol=1e-300)
    return bool(type(written) is type(found) or (_is_number(written) and _is_number(found))) and bool(written == found)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _told(value: Any) -> str:
    text = " ".join((f"{value:.10g}" if isinstance(value, float) else str(value)).split())
    return text if len(text) <= 120 else f"{text[:117]}…"
