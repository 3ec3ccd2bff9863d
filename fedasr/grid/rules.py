"""What holds for every exchange of a row: how arrays travel, who drops out, what is charged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flwr.app import RecordDict

from fedasr.grid.drop_out import DropOut
from fedasr.grid.exchange import Outcome, Request
from fedasr.messages.elsewhere.consent import REASON
from fedasr.messages.finite import check_sent
from fedasr.messages.kinds import Kind, kind_of
from fedasr.wire.codec import Codec
from fedasr.wire.codecs.dense import Dense

log = logging.getLogger("fedasr")


@dataclass(frozen=True)
class Rules:
    """The rules of a row's grid, fixed when it is opened.

    Parameters
    ----------
    codec : Codec
        What arrays of replies travel as, where their kind of message says so. Downward a silo that has the model
        sent last gets the values that changed, where that is shorter; every bit arrives.
    drop_out : DropOut, optional
        Draws the silos that drop out of a round of training.
    before_training : callable, optional
        Told the round, and which silo is asked by what kind of message, before silos are asked to train.
    after_answers : callable, optional
        Told which silo answered what kind of message, before anybody is given the replies.
    before_sending : callable, optional
        Told the kind and the content of each message, before anything of an exchange is sent.
    kinds : mapping of str to Kind
        The kinds of messages that the row's client half declares, by name.
    timeout_seconds : float, optional
        How long a silo may take for one message where whoever sends it does not say.
    """

    codec: Codec = field(default_factory=Dense)
    drop_out: DropOut | None = None
    before_training: Callable[[int, Sequence[tuple[int, Kind]]], None] | None = None
    after_answers: Callable[[Sequence[tuple[int, Kind]]], None] | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    timeout_seconds: float | None = None
    before_sending: Callable[[Kind, RecordDict], None] | None = None

    def kind(self, name: str) -> Kind:
        """Return what a kind of message says of itself: as the row's client half declares it, else as known to all."""
        return self.kinds.get(name) or kind_of(name)

    def check(self, requests: Sequence[Request], contents: Sequence[RecordDict]) -> None:
        """Have each message looked at, a content that goes to many once a kind; what is not finite goes nowhere."""
        check_sent(contents)
        asked = dict.fromkeys((request.kind, request.content) for request in requests)
        if self.before_sending is not None:
            for kind, place in asked:
                self.before_sending(kind, contents[place])

    def charge(self, round: int, requests: Sequence[Request]) -> None:
        """Have training charged before it is asked for."""
        asked = [(request.silo, request.kind) for request in requests if request.kind.trains]
        if self.before_training is not None and asked:
            self.before_training(round, asked)

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """Have it noted what was answered, and say what a silo did not allow: one line a kind of message."""
        answered = [(o.request.silo, o.request.kind) for o in outcomes if o.content is not None]
        if self.after_answers is not None and answered:
            self.after_answers(answered)
        denied = {o.request.kind.name: o for o in reversed(outcomes) if is_denied(o)}
        for kind, first in denied.items():
            count = sum(is_denied(o) and o.request.kind.name == kind for o in outcomes)
            log.warning("silo %d%s: %s", first.request.silo, f" and {count - 1} more" * (count > 1), first.error)

    def present(self, round: int, requests: Sequence[Request]) -> tuple[Sequence[Request], list[Outcome]]:
        """Return the requests that are answered, and what becomes of those of silos that drop out."""
        return self.drop_out(round, requests) if self.drop_out is not None else (requests, [])


def is_denied(outcome: Outcome) -> bool:
    """Return whether a silo did not answer because it does not allow that kind of message."""
    return outcome.error is not None and outcome.error.startswith(REASON)


RULES = Rules()
"""Those of a grid whose maker says nothing: arrays travel as they are, nobody drops out, nothing is charged."""
