"""What a message to a far silo says of the messages before it, so that the silo forgets what came to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flwr.app import ConfigRecord, RecordDict

RECEIPT = "fedasr.receipt"
"""The record of a message; taken off before anybody else reads it."""


@dataclass(frozen=True)
class Receipt:
    """Which message this is, and what became of the replies to those before it.

    A silo that is elsewhere cannot see whether its reply arrived in time and was accepted. So it keeps what it kept
    before its last message too, and the next message says which of the two holds.

    Attributes
    ----------
    number : int
        Of this message among all to the silo; rising.
    accepted : int
        Of the last message whose reply was accepted; 0 where none was.
    place : int
        Of the message's content among those that the silo is sent in the exchange.
    """

    number: int
    accepted: int = 0
    place: int = 0

    def added_to(self, content: RecordDict) -> RecordDict:
        """Return a content that says this too."""
        record = ConfigRecord({"number": self.number, "accepted": self.accepted, "place": self.place})
        return RecordDict({**content, RECEIPT: record})


def taken_receipt(content: RecordDict) -> Receipt | None:
    """Take the receipt off a content; None where it has none."""
    record = content.pop(RECEIPT, None)
    if not isinstance(record, ConfigRecord):
        return None
    number, accepted, place = (int(cast(int, record[key])) for key in ("number", "accepted", "place"))
    return Receipt(number, accepted, place)
