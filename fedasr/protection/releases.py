"""Releases: what left the private side under a guarantee, on disk before it is used, charged when it is made."""

from __future__ import annotations

import logging
import math
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fedasr.common.errors import RowError, UserError
from fedasr.common.files import Arrays
from fedasr.common.randomness import Streams
from fedasr.messages.kinds import Kind
from fedasr.messages.traffic import Traffic
from fedasr.privacy.accounting.account import Account, account_of
from fedasr.privacy.accounting.composition import counted
from fedasr.privacy.accounting.conversion import delta_for
from fedasr.privacy.accounting.ledger import Ledger, Release
from fedasr.privacy.accounting.promise import Promise, together
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.privacy.noise import Noise, ReproducibleNoise, SecureNoise
from fedasr.protection.inheritance import Inheritance
from fedasr.protection.release_digest import ATTEMPT, attempt_text, digest_of
from fedasr.protection.release_store import ReleaseStore
from fedasr.protection.trust import UNSAID, Trust

log = logging.getLogger("fedasr")


class TrafficLog(Protocol):
    """Where the messages of a row are counted."""

    traffic: list[Traffic]


@dataclass(frozen=True)
class Charge:
    """What a release costs: so many times a mechanism."""

    mechanism: Mechanism
    count: int


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
    promised : Promise or None
        Set by the strategy that promises something, with what the model behind it promised.
    sampling : tuple of str
        As accounted, and as done.
    trust : Trust
        Against whom that holds.
    log : TrafficLog, optional
        Whose messages a release was made of: a row that reads a stored release counts the same bytes again.
    units : mapping of str to int
        How many silos there are, and utterances in the smallest, as far as that is known: δ must be far smaller than
        one over them.
    trusted : frozenset of str
        The kinds of messages whose answers go through the row's own protection at the centre and nowhere else.
    """

    store: ReleaseStore
    streams: Streams
    reproducible: bool = False
    promised: Promise | None = None
    sampling: tuple[str, str] = ("all", "all")
    trust: Trust = UNSAID
    ledger: Ledger = field(default_factory=Ledger)
    inherited: Inheritance = field(default_factory=Inheritance)
    log: TrafficLog | None = None
    units: Mapping[str, int] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    _summed: tuple[int, Account] | None = None
    _attempts: Counter[str] | None = None
    _making: Counter[int] | None = None

    def promise(
        self, promise: Promise, sampling: tuple[str, str] = ("all", "all"), trust: Trust = UNSAID
    ) -> None:  # fmt: skip
        """Say what is promised, before the first release, how units are sampled, as assumed and as done, and to whom.

        What a model behind the row promised is part of it. A row promises once; the same again changes nothing.

        Raises
        ------
        RowError
            Where a row that this one begins from has learnt from private speech under no promise, where another promise
            was made before, and where δ is no less than one over the number of units.
        UserError
            Where the row had begun after another ledger.
        """
        self._check_delta(promise)
        if self.inherited.unprotected:
            raise RowError(
                f"it begins from the row '{self.inherited.unprotected}', which promises nothing: no row after it can; "
                "begin from a row with an epsilon, or from the experiment's start"
            )
        self.inherited = self.inherited.before(promise)
        behind = self.inherited.promise

        def with_debts(own: Promise) -> Promise:
            return together([*([behind] if behind else []), own], own.delta)

        whole = with_debts(promise)
        if self.promised not in (None, whole):
            raise RowError("it promises twice, and not the same; a row makes one promise before its first release")
        self.promised, self.sampling, self.trust = whole, sampling, trust.mapped(with_debts)
        self._take_over()
        self._recall()

    def _check_delta(self, promise: Promise) -> None:
        """Refuse a δ that allows to publish a unit as it is, and warn of a large one, once."""
        try:
            warning = delta_for(promise.delta, promise.unit, self.units.get(promise.unit, 1))
        except UserError as error:
            raise RowError(str(error)) from error
        if warning and self.promised is None:
            log.warning(warning)

    @property
    def delta(self) -> float | None:
        """The δ of the promise; None where nothing is promised."""
        return self.promised.delta if self.promised else None

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
            self._tell_of_lost(key)
            self._draw(key, draw)
        elif self.log:
            self.log.traffic += self.store.messages(key)
        arrays, about = self.store.load(key)
        for charge in charges(arrays):
            self._charge(key, charge, digest_of(arrays, about["draw"]))
        return arrays

    def _tell_of_lost(self, key: str) -> None:
        """Say where a release was made and paid before: another is made now, and paid too."""
        own = self.ledger.releases[len(self.inherited.charged) :]
        known = (one for one in own if not one.digest.startswith(ATTEMPT))
        if any(one.key.rpartition(".")[0] == key for one in known):
            log.warning("the release '%s' is gone from the row's folder: another is made, and charged beside it", key)

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

    def charged(self) -> Mapping[Mechanism, int]:
        """Return what the row itself has charged, without what it inherited: what its own budget has paid."""
        own = self.ledger.releases[len(self.inherited.charged) :]
        return counted((release.charged, release.count) for release in own)

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

    def account(self) -> Account | None:
        """Return how the promise stands, None where nothing was promised.

        It is broken where a message was answered that tells of private speech and that nothing paid for.
        """
        if self.promised is None:
            return None
        if self.inherited.void:
            return Account(self.promised, Ledger().summary(self.promised.delta), self.inherited.void)
        if unpaid := self.unpaid():
            told = f"promises nothing: {', '.join(unpaid)} was answered, which no guarantee covers"
            return Account(self.promised, Ledger().summary(self.promised.delta), told)
        count = len(self.ledger.releases)
        if self._summed is None or self._summed[0] != count:  # privacy-loss distributions take a second
            self._summed = (count, account_of(self.promised, self.ledger, len(self.inherited.charged)))
        return self._summed[1]

    def inherit(self, inherited: Inheritance) -> None:
        """Take note of what is behind the model that the row begins from: a promise is made on top of it."""
        self.inherited = inherited

    def _take_over(self) -> None:
        """Charge to this row too, once, what the model has spent that it begins from."""
        charged = list(self.inherited.charged)
        if charged and not self.store.ledger():
            self.store.begin_ledger(charged)
        if list(self.store.ledger())[: len(charged)] != charged:
            raise UserError("what the model has spent that the row begins from changed since it began; begin it anew")

    def epsilon_before(self) -> float | None:
        """Return the ε of what the model behind the row promised; None where there was nothing, or nothing holds."""
        behind = self.inherited.promise
        return behind.epsilon if behind is not None and math.isfinite(behind.epsilon) else None

    def save(self) -> None:
        """Write the promise, the ledger, and what they add up to."""
        account = self.account()
        if account is not None:
            behind = self.inherited
            start = {
                "start_speech": behind.speech, "declared": list(behind.declared), "inherited": len(behind.charged),
            }  # fmt: skip
            self.store.save_summary({**account.fields(), **start, **self.trust.fields(), "ledger": self.ledger.state()})

    def _charge(self, key: str, charge: Charge, digest: str) -> None:
        promised = self.promised
        assert promised is not None, "nothing is charged before it is promised"
        if charge.count:
            release = Release(
                charge.mechanism, promised.unit, promised.adjacency, "reproducible" if self.reproducible else "secure",
                *self.sampling, charge.count, f"{key}.{charge.mechanism.kind}", digest,
            )  # fmt: skip
            if self.ledger.add(release):
                self.store.charge(release.fields())

    def _recall(self) -> None:
        """Take up what an interrupted run had charged: a charge outlives the checkpoint that came before it."""
        lines = self.store.ledger()
        if lines:
            self.ledger.restore(lines)
