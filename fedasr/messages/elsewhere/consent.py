"""Consent: which kinds of messages a silo answers. What it does not allow, no server gets from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flwr.app import Error, Message

from fedasr.common.errors import UserError
from fedasr.messages.kinds import AGREEMENT, INTRODUCTION, SILO_NUMBER, Kind

ALLOW = "allow"
"""The key of a node's configuration that lists the kinds it answers, with commas between."""
NOT_ALLOWED = 403
"""The code of the error that answers a message of another kind."""
ALWAYS = frozenset(kind.name for kind in (SILO_NUMBER, INTRODUCTION, AGREEMENT))
"""What every node answers: which silo it is, and how much it holds."""
REASON = "not allowed here: "
"""So begins why a silo did not answer."""


@dataclass(frozen=True)
class Consent:
    """The kinds of messages that a silo answers.

    Parameters
    ----------
    only : frozenset of str, optional
        The names of all kinds that it answers. By default those that need nobody's consent (`Kind.by_consent`).
    besides : frozenset of str
        Further kinds, where `only` is not given.
    """

    only: frozenset[str] | None = None
    besides: frozenset[str] = frozenset()

    @classmethod
    def of_row(cls, asks: Iterable[Kind] = ()) -> Consent:
        """Return what a simulated silo answers: what needs no consent, and what the row's strategy says it asks for."""
        return cls(besides=frozenset(kind.name for kind in asks))

    @classmethod
    def of_node(cls, config: Mapping[str, Any]) -> Consent:
        """Return what a node answers: what its ``allow`` lists, or without one all that needs no consent.

        Raises
        ------
        UserError
            Where ``allow`` is no list of kinds.
        """
        if ALLOW not in config:
            return cls()
        listed = config[ALLOW]
        if not isinstance(listed, str):
            raise UserError(f'{ALLOW} is {listed!r}; write the kinds with commas between: {ALLOW}="train,query.label"')
        return cls(frozenset(name for name in (part.strip() for part in listed.split(",")) if name))

    def allows(self, kind: Kind) -> bool:
        """Return whether messages of a kind are answered."""
        if self.only is not None:
            return kind.name in self.only or kind.name in ALWAYS
        return kind.name in self.besides or not kind.by_consent

    def refusal(self, message: Message, kind: Kind) -> Message | None:
        """Return the error that answers a message which is not allowed, None for one that is."""
        if self.allows(kind):
            return None
        return Message(Error(NOT_ALLOWED, f"{REASON}{self._reason(kind.name)}"), reply_to=message)

    def _reason(self, kind: str) -> str:
        if self.only is None:
            return f"'{kind}' is answered only where the node's {ALLOW}, or the row's strategy (asks), names it"
        return f"the node's {ALLOW} names {', '.join(sorted(self.only)) or 'no kind'}, not '{kind}'"
