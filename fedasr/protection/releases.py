"""Releases: what left the private side under a guarantee, on disk before it is used, charged when it is made."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from fedasr.common.errors import RowError, UserError
from fedasr.common.files import Arrays
from fedasr.common.randomness import Streams
from fedasr.messages.kinds import Kind
from fedasr.messages.traffic import Traffic
from fedasr.privacy.accounting.ledger import Ledger, Release, Summary
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.privacy.noise import Noise, ReproducibleNoise, SecureNoise
from fedasr.protection.release_store import ReleaseStore

ATTEMPT = "attempt "


class TrafficLog(Protocol):
    """Where the messages of a row are counted."""

    traffic: list[Traffic]


@dataclass(frozen=True)
class Charge:
    """What a release costs: so many times a mechanism."""

    mechanism: Mechanism
    count: int


@dataclass(frozen=True)
class Inheritance:
    """What a model has spent that a row begins from.

    Attributes
    ----------
    charged : tuple of mapping
        The lines of the ledger behind it.
    unprotected : str or None
        A row behind it that learnt from private speech and promised nothing: nobody can promise after it.
    delta : float or None
        At which the last promise behind it was made.
    """

    charged: tuple[Mapping[str, Any], ...] = ()
    unprotected: str | None = None
    delta: float | None = None


@dataclass
class Releases:
    """The releases of one row.

    A release is made once: its arrays are written under its key before anybody uses them, and a resumed row
    reads them there. What is made a second time under a key (because noise was drawn where it could not be
    written down first, or its file is gone) has another digest, even where noise gave the same answers, and is
    charged again.

    Parameters
    ----------
    store : ReleaseStore
        The row's.
    streams : Streams
    reproducible : bool
        Noise from the row's streams instead of the operating system's source; the guarantee is void then.
    unit : str
    adjacency : str
    delta : float or None
        Set by the strategy that promises something.
    sampling : tuple of str
        As accounted, and as done.
    log : TrafficLog, optional
        Whose messages a release was made of: a row that reads a stored release counts the same bytes again.
    trusted : frozenset of str
        The kinds of messages whose answers go through the row's own protection at the centre and nowhere else.
    """

    store: ReleaseStore
    streams: Streams
    reproducible: bool = False
    unit: str = "silo"
    adjacency: Adjacency = "replace-one"
    delta: float | None = None
    sampling: tuple[str, str] = ("all", "all")
    ledger: Ledger = field(default_factory=Ledger)
    inherited: Inheritance = Inheritance()
    log: TrafficLog | None = None
    trusted: frozenset[str] = frozenset()
    _summed: tuple[int, Summary] | None = None
    _attempts: Counter[str] | None = None
    _making: Counter[int] | None = None

    def promise(
        self, unit: str, adjacency: Adjacency, delta: float, sampling: tuple[str, str] = ("all", "all")
    ) -> None:
        """Say what is protected, from which change, at which δ, and how silos or utterances are sampled.

        Raises
        ------
        RowError
            Where the model that the row begins from has learnt from private speech under no promise, or under one
            to another unit: what it spent does not add up with what is promised now.
        """
        if self.inherited.unprotected:
            raise RowError(
                f"it begins from the row '{self.inherited.unprotected}', which promises nothing: no row after it can; "
                "begin from a row with an epsilon, or from the experiment's start"
            )
        for line in self.inherited.charged:
            if (line["unit"], line["adjacency"]) != (unit, adjacency):
                was = f"{line['unit']}, {line['adjacency']}"
                raise RowError(f"the model it begins from has spent privacy of another unit ({was}); nothing adds up")
        self.unit, self.adjacency, self.delta, self.sampling = unit, adjacency, delta, sampling
        self._recall()

    def noise(self, key: str) -> Noise:
        """Return the source of noise of one release."""
        return ReproducibleNoise(self.streams.sequence(f"release {key}")) if self.reproducible else SecureNoise()

    def make(self, key: str, charges: Callable[[Arrays], list[Charge]], draw: Callable[[Noise], Arrays]) -> Arrays:
        """Return the release of a key: as it was stored, or drawn, stored and charged now.

        Parameters
        ----------
        key : str
            Fit for a file name, with full stops between its parts.
        charges : callable
            What a release costs, told from what was released and nothing else.
        draw : callable
            Makes it, given the source of noise.
        """
        if not self.store.has(key):
            self._draw(key, draw)
        elif self.log:
            self.log.traffic += self.store.messages(key)
        arrays, about = self.store.load(key)
        for charge in charges(arrays):
            self._charge(key, charge, digest_of(arrays, about["draw"]))
        return arrays

    def _draw(self, key: str, draw: Callable[[Noise], Arrays]) -> None:
        before = len(self.log.traffic) if self.log else 0
        self._making = Counter()
        try:
            arrays = dict(draw(self.noise(key)))
        finally:
            self._making = None
        traffic = self.log.traffic[before:] if self.log else []
        self.store.save_messages(key, traffic)
        number = "" if self.reproducible else secrets.token_hex(16)
        self.store.save(key, arrays, {"key": key, "draw": number})

    def announce(self, key: str, charge: Charge) -> None:
        """Charge what others are about to make: their noise is not ours to write down first.

        An attempt that a crash cut off stays charged, and the next one is charged beside it.
        """
        if self._attempts is None:
            self._attempts = self._announced()
        self._attempts[key] += 1
        self._charge(key, charge, attempt_text(self._attempts[key]))
        self.store.announce({"key": key, "attempt": self._attempts[key]})

    def _announced(self) -> Counter[str]:
        """Return how often each key was announced: as either list knows, for a crash can leave one behind."""
        charged = (line for line in self.store.ledger() if line["digest"].startswith(ATTEMPT))
        of_charges = Counter(line["key"].rpartition(".")[0] for line in charged)
        return Counter(line["key"] for line in self.store.announced()) | of_charges

    def stored(self, key: str) -> Arrays | None:
        """Return a release that was stored, None where there is none."""
        return self.store.load(key)[0] if self.store.has(key) else None

    def note_answered(self, answered: Sequence[tuple[int, Kind]]) -> None:
        """Remember, over interruptions too, which kinds of messages were answered that nothing pays for.

        A release pays for what it is made of, of each silo one answer: noise that hides one does not hide two.

        Parameters
        ----------
        answered : sequence of tuple
            The silo and the kind of each message that no protection of training pays for.

        Raises
        ------
        RowError
            Where a silo answered twice for one release.
        """
        owed = {kind.name for _, kind in answered if kind.unpaid or self._making is None}
        known = self.store.unpaid()
        if new := owed - set(known):
            self.store.save_unpaid([*known, *sorted(new)])
        if self._making is not None:
            self._making.update(silo for silo, kind in answered if not kind.unpaid)
            silo, most = next(iter(self._making.most_common(1)), (0, 0))
            if most > 1:
                raise RowError(f"silo {silo} answered {most} times for one release, which pays for one answer of each")

    def trust_centre(self, kind: Kind) -> None:
        """Say that answers of a kind go through the row's own protection at the centre, which is trusted with them."""
        self.trusted |= {kind.name}

    def unpaid(self) -> list[str]:
        """Return the kinds of messages that were answered and that nothing paid for: there is no promise then."""
        return [name for name in self.store.unpaid() if name not in self.trusted]

    def summary(self) -> Summary | None:
        """Return what may be printed, None where nothing was promised.

        There is no ε in it where a message was answered that tells of private speech and that nothing paid for.
        """
        if self.delta is None:
            return None
        if self.unpaid():
            return Summary(None, self.delta, self.unit, self.adjacency, None, None, None)
        count = len(self.ledger.releases)
        if self._summed is None or self._summed[0] != count:  # privacy-loss distributions take seconds
            self._summed = (count, self.ledger.summary(self.delta))
        return self._summed[1]

    def inherit(self, inherited: Inheritance) -> None:
        """Take over what the model that the row begins from has spent: it is charged to this row too, once.

        Raises
        ------
        UserError
            Where the row had begun with another ledger.
        """
        self.inherited = inherited
        charged = list(inherited.charged)
        if charged and not self.store.ledger():
            self.store.begin_ledger(charged)
        if list(self.store.ledger())[: len(charged)] != charged:
            raise UserError("what the model has spent that the row begins from changed since it began; begin it anew")

    def spent(self) -> float | None:
        """Return the ε of what was inherited, at its own δ; None where nothing was."""
        if not self.inherited.charged or self.inherited.delta is None:
            return None
        behind = Ledger()
        behind.restore(self.inherited.charged)
        return behind.summary(self.inherited.delta).epsilon

    def save(self) -> None:
        """Write the ledger, and what it adds up to."""
        summary = self.summary()
        if summary is not None:
            finite = {k: None if v in (math.inf, -math.inf) else v for k, v in vars(summary).items()}
            self.store.save_summary({**finite, "ledger": self.ledger.state()})

    def _charge(self, key: str, charge: Charge, digest: str) -> None:
        if charge.count:
            release = Release(
                charge.mechanism, self.unit, self.adjacency, "reproducible" if self.reproducible else "secure",
                *self.sampling, charge.count, f"{key}.{charge.mechanism.kind}", digest,
            )  # fmt: skip
            if self.ledger.add(release):
                self.store.charge(release.fields())

    def _recall(self) -> None:
        """Take up what an interrupted run had charged: a charge outlives the checkpoint that came before it."""
        lines = self.store.ledger()
        if lines:
            self.ledger.restore(lines)


def attempt_text(attempt: int) -> str:
    """Return what stands in the place of a digest where others draw the noise."""
    return f"{ATTEMPT}{attempt}"


def digest_of(arrays: Arrays, draw: str = "") -> str:
    """Return the SHA-256 of names, types, shapes and bytes, and of the number of the draw."""
    total = hashlib.sha256(draw.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()
