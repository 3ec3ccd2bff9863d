"""The grid that a strategy is given: Flower's, and it ends the waiting of who waits for silos that do not come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from fedasr.common.errors import RowError

PAUSE_SECONDS = 0.25
"""Who lets so much time pass between two looks at the silos, and sends nothing, may be waiting."""
PAUSES, LOOKS = 4, 1000
"""So many pauses, or so many looks for each silo, without a message between them: it is waiting."""


@dataclass
class Patience:
    """Counts the looks at who is there since the last message: a row's silos are all there from its beginning."""

    who: str
    silos: int
    looks: int = 0
    pauses: int = 0
    last: float = field(default_factory=time.monotonic)

    def looked(self) -> None:
        """Count a look.

        Raises
        ------
        RowError
            Where only who waits looks so often.
        """
        now = time.monotonic()
        self.pauses += self.looks > 0 and now - self.last > PAUSE_SECONDS
        self.looks, self.last = self.looks + 1, now
        if self.pauses >= PAUSES or self.looks > LOOKS * self.silos:
            raise RowError(f"{self.who} waits for more silos than there are: {self.silos}, and no more will come")

    def acted(self) -> None:
        """Begin anew: a message was sent."""
        self.looks = self.pauses = 0


class GivenGrid(Grid):
    """Passes everything on to the grid of a round.

    Parameters
    ----------
    who : str
        The strategy, for what is said.
    silos : int
    grid_for : callable
        Returns the grid on which some messages are to be sent.
    """

    def __init__(self, who: str, silos: int, grid_for: Callable[[Sequence[Message]], Grid]) -> None:
        self._grid_for = grid_for
        self._patience = Patience(who, silos)
        self._pushed: dict[str, Grid] = {}

    def set_run(self, run: Any) -> None:
        """Do nothing: a grid serves one run."""

    @property
    def run(self) -> Any:
        """The run of Flower's runtime, or one that stands for it in a simulation."""
        return self._grid_for(()).run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a message to a node."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        """Return the node of each silo, in order."""
        self._patience.looked()
        return self._grid_for(()).get_node_ids()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Accept messages, to be delivered when their replies are pulled."""
        sent = list(messages)
        grid = self._grid_for(sent)
        names = list(grid.push_messages(sent))
        self._pushed |= dict.fromkeys(names, grid)
        return names

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the replies to messages that were pushed."""
        self._patience.acted()
        asked = list(message_ids)
        known = {id(self._pushed[name]): self._pushed[name] for name in asked if name in self._pushed}
        grids = [*known.values()] or [self._grid_for(())]
        unknown = [name for name in asked if name not in self._pushed]
        found: list[Message] = []
        for place, grid in enumerate(grids):
            names = [name for name in asked if self._pushed.get(name) is grid]
            found += grid.pull_messages([*names, *unknown] if place == 0 else names)
        return found

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Deliver messages and return their replies in the order of the silos."""
        sent = list(messages)  # making them may look at the silos, too
        self._patience.acted()
        return self._grid_for(sent).send_and_receive(sent, timeout=timeout)
