"""The log of a row's exchanges: every message as it travelled, and what came of the last that trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fedasr.grid.exchange import Exchange, Outcome, Request
from fedasr.grid.rules import is_denied
from fedasr.messages.records import envelope_bytes
from fedasr.messages.traffic import Traffic
from fedasr.training.taken import Taken


@dataclass
class ExchangeLog:
    """What passed between the server and the silos since the last report.

    Grids and stored releases add to it; whoever reports the rounds of a row, and nobody else, drains it.

    Attributes
    ----------
    traffic : list of Traffic
        Every message, in order.
    outcomes : tuple of Outcome
        Those of the last exchange that trained; where none did, of the last; and of any other the messages that a
        silo did not allow.
    reported : int
        Messages of rounds up to this one were reported by a run that was interrupted, and are not again.
    """

    traffic: list[Traffic] = field(default_factory=list)
    outcomes: tuple[Outcome, ...] = ()
    reported: int = -1
    _denied: tuple[Outcome, ...] = ()
    _work: list[Outcome] = field(default_factory=list)

    def add(self, round: int, messages: Sequence[Traffic], outcomes: Sequence[Outcome]) -> None:
        """Note one exchange."""
        self.traffic += messages
        if round <= self.reported:
            return
        self._work += (replace(outcome, content=None, view={}) for outcome in outcomes if outcome.request.kind.trains)
        before, now = self.outcomes, tuple(outcomes)
        kept, dropped = (now, before) if _trained(now) or not _trained(before) else (before, now)
        self.outcomes, self._denied = kept, self._denied + tuple(filter(is_denied, dropped))

    def drain_taken(self) -> Taken | None:
        """Return the gradients that all messages to report took, and forget them; None where some were not counted.

        A silo that was not there, or that refused the message, took none.
        """
        work, self._work = self._work, []
        if any(outcome.taken is None and outcome.error is None for outcome in work):
            return None
        return sum((outcome.taken for outcome in work if outcome.taken is not None), start=Taken())

    def drain(self) -> tuple[list[Traffic], tuple[Outcome, ...]]:
        """Return what is to be reported, and forget it."""
        messages = [message for message in self.traffic if message.round > self.reported]
        outcomes, self.traffic = self.outcomes + self._denied, []
        self.outcomes = self._denied = ()
        return messages, outcomes


def _trained(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.request.kind.trains for outcome in outcomes)


def downward(exchange: Exchange, requests: Sequence[Request], blob_bytes: Sequence[int]) -> list[Traffic]:
    """Return the messages to silos, as they travelled."""
    envelopes = [envelope_bytes(content) for content in exchange.contents]
    return [
        Traffic(exchange.round, r.silo, "down", r.kind.name, blob, envelopes[r.content])
        for r, blob in zip(requests, blob_bytes, strict=True)
    ]


def upward(exchange: Exchange, outcomes: Sequence[Outcome]) -> list[Traffic]:
    """Return the replies of silos, as they travelled."""
    return [
        Traffic(
            exchange.round, o.request.silo, "up", o.request.kind.name, o.uplink_blob_bytes, o.uplink_envelope_bytes,
            o.audio_seconds,
        )
        for o in outcomes
        if o.content is not None
    ]  # fmt: skip
