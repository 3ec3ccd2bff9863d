"""Who does which job next: one queue an actor, shrinking pieces, and help for those that are behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

PIECES = 4
"""An actor is given its share of what is left in so many pieces, each smaller than the last."""
PIECE_SECONDS = 0.005
"""Jobs are sent together until they take so long: sending a piece costs about a millisecond."""


@dataclass
class Job:
    """A piece of work for one actor.

    Attributes
    ----------
    item : object
    is_pinned : bool
        Whether only its own actor can do it.
    attempts : int
        How often it was begun.
    turns : int
        How many messages it is: each has a time of its own.
    is_alone : bool
        Whether it is handed out by itself: an actor hung over it and others, and it is to show which it was.
    """

    item: Any
    is_pinned: bool = False
    attempts: int = 0
    turns: int = 1
    is_alone: bool = False


class Queues:
    """Hands out jobs; which actor does one never changes its result.

    Parameters
    ----------
    queues : sequence of iterable of Job
        One an actor.
    steal_seconds : float
        What it costs that an actor takes jobs of another: less work than that stays where it is.
    job_seconds : float, optional
        What a job takes, where that is known; `took` tells on the way.
    """

    def __init__(
        self, queues: Sequence[Iterable[Job]], steal_seconds: float = 0.0, job_seconds: float | None = None
    ) -> None:
        self._queues = [deque(queue) for queue in queues]
        self._steal_seconds = steal_seconds
        self.job_seconds = job_seconds

    def __len__(self) -> int:
        return sum(map(len, self._queues))

    def next(self, place: int) -> list[Job]:
        """Return the next piece for an actor, empty where there is nothing for it to do."""
        if not self._queues[place]:
            self._steal(place)
        queue = self._queues[place]
        return [queue.popleft() for _ in range(self._piece(queue))]

    def took(self, seconds: float, jobs: int) -> None:
        """Note how long a piece took."""
        self.job_seconds = seconds / jobs

    def again(self, place: int, jobs: Sequence[Job]) -> None:
        """Give jobs to an actor once more, before its others."""
        self._queues[place].extendleft(reversed(jobs))

    def _piece(self, queue: deque[Job]) -> int:
        """Return how many jobs an actor is given: a share of all that is left, or what is quickly done.

        Of jobs that nobody else can do it is given half.
        """
        share = len(self) // (PIECES * len(self._queues))
        quick = int(PIECE_SECONDS / self.job_seconds) if self.job_seconds else 0
        own = len(queue) // 2 if queue and queue[0].is_pinned else 0
        piece = min(len(queue), max(1, share, quick, own))
        alone = (place for place, job in enumerate(islice(queue, piece)) if job.is_alone)
        return min(piece, max(1, next(alone, piece)))

    def _steal(self, place: int) -> None:
        """Take the last half of the longest queue of jobs that may move, if that is worth it."""
        loose = [[job for job in queue if not job.is_pinned] for queue in self._queues]
        longest = max(range(len(loose)), key=lambda other: len(loose[other]))
        if (self.job_seconds or 0.0) * len(loose[longest]) < self._steal_seconds:
            return
        taken = loose[longest][len(loose[longest]) // 2 :]
        moved = set(map(id, taken))
        self._queues[longest] = deque(job for job in self._queues[longest] if id(job) not in moved)
        self._queues[place].extend(taken)
