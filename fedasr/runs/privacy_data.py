"""What a row's ledger, promise and votes leave in its folder, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fedasr.runs.filling import bound


@dataclass(frozen=True)
class MechanismData:
    """A mechanism of the ledger: its kind and its public numbers."""

    kind: str
    numbers: tuple[tuple[str, float | str], ...] = ()

    @classmethod
    def from_json(cls, record: object) -> MechanismData:
        """Return the mechanism of ``{"kind": …, name: number, …}``, or of a plain name."""
        if not isinstance(record, Mapping):
            return cls("unknown" if record is None else str(record))
        numbers = {name: value for name, value in record.items() if name != "kind" and value is not None}
        plain = ((name, str(value) if (known := bound(value)) is None else known) for name, value in numbers.items())
        return cls(str(record.get("kind", "unknown")), tuple(plain))

    def to_json(self) -> dict[str, float | str]:
        """Return it as it is stored."""
        return {"kind": self.kind, **dict(self.numbers)}


@dataclass(frozen=True)
class ReleaseData:
    """One entry of a row's ledger: ``count`` releases by a mechanism."""

    mechanism: MechanismData
    unit: str | None = None
    adjacency: str | None = None
    noise: str | None = None
    sampling_assumed: str | None = None
    sampling_used: str | None = None
    count: int | None = None


@dataclass(frozen=True)
class PrivacyData:
    """A row's ``privacy.json``. None: not known, or nothing is promised.

    Attributes
    ----------
    epsilon : float
        What is promised.
    epsilon_spent : float
        What the releases of the ledger cost; no guarantee.
    epsilon_bound : str
        Which of the `bounds` epsilon is.
    epsilon_if_secure : float
        Of a void row.
    delta, unit, adjacency, kind, confidence
    bounds : tuple of tuple
        All proven bounds of what is promised, by name.
    broken : str
        Why a promise holds no more.
    trust : str
        Against whom it holds.
    ledger : tuple of ReleaseData
    """

    epsilon: float | None = None
    epsilon_spent: float | None = None
    epsilon_bound: str | None = None
    trust: str | None = None
    epsilon_if_secure: float | None = None
    delta: float | None = None
    unit: str | None = None
    adjacency: str | None = None
    kind: str | None = None
    confidence: float | None = None
    bounds: tuple[tuple[str, float], ...] = ()
    broken: str | None = None
    ledger: tuple[ReleaseData, ...] = ()


@dataclass(frozen=True)
class VotesData:
    """A row's ``votes.json``: what the simulator saw of the teachers' votes."""

    mechanism: MechanismData
    utterances: int | None = None
    transcribed: int | None = None
    votes: int | None = None
    abstained: int | None = None
    label_wer: float | None = None
    agreement: float | None = None
    teachers: int | None = None
    budget_epsilon: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {**asdict(self), "mechanism": self.mechanism.to_json()}
