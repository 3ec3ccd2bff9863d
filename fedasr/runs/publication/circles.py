"""Which draws of the speakers heard the same people, and who is private in one and public in another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fedasr.corpora.partition import SPEAKER_PARTS
from fedasr.runs.data import PartitionData


@dataclass(frozen=True)
class Cast:
    """Who had which part in one draw, by names that are no other person's in another draw.

    Attributes
    ----------
    private : frozenset of str
        Whose speech the silos hold.
    others : frozenset of str
        Whose speech is public, or scored on.
    """

    private: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()


def cast_of(partition: PartitionData, population: str | None) -> Cast:
    """Return who had which part in a draw; where it has a population of its own, no name is that of another draw."""
    lead = f"{population} · " if population else ""
    private = {lead + name for silo in partition.silos for name in silo.speakers}
    others = {lead + name for part in SPEAKER_PARTS for name in getattr(partition, part).speakers}
    return Cast(frozenset(private), frozenset(others))


def circles(casts: Mapping[int, Cast | None]) -> list[tuple[int, ...]]:
    """Return the draws by whom their silos hold: two that share a speaker are in one circle, and so are their others.

    That is more than any one speaker is heard in, and so on the safe side. A draw of which nobody knows who is in it
    may hold anybody: then all are in one.
    """
    if None in casts.values():
        return [tuple(sorted(casts))] if casts else []
    found: list[tuple[frozenset[str], tuple[int, ...]]] = []
    for draw, cast in casts.items():
        private: frozenset[str] = cast.private if cast else frozenset()
        members: tuple[int, ...] = (draw,)
        for speakers, others in [circle for circle in found if circle[0] & private]:
            found.remove((speakers, others))
            private, members = private | speakers, (*others, *members)
        found.append((private, members))
    return [tuple(sorted(members)) for _, members in found]


def crossed(casts: Iterable[Cast | None]) -> int:
    """Return how many speakers of the silos of one draw are public, or scored on, in another."""
    known = [cast for cast in casts if cast is not None]
    private = frozenset[str]().union(*(cast.private for cast in known))
    return len(private & frozenset[str]().union(*(cast.others for cast in known)))
