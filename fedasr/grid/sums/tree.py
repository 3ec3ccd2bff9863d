"""The tree in which replies are added up: what is summed with what is told by the silos' numbers alone.

It is the binary tree over all whole numbers: a node of level k covers 2^k leaves that have all but their last k bits
in common. Its value is the sum of its two children's; where nothing is under a child, that of the other. So who
computed a leaf, when it arrived, and which others are missing changes no other node. Of neighbours among the
leaves that take part, the joint, the level of the lowest node above both, says all: a node's two children meet at
its highest joint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from fedasr.grid.sums.terms import Pair, Reply, Term, Vector, added_up

ABOVE = 1 << 62
"""Higher than any joint: what lies beyond the first leaf and the last."""


def joints(leaves: Sequence[int]) -> list[int]:
    """Return the level of the lowest node above each leaf and the next; rising numbers, none twice."""
    return [(one ^ next_).bit_length() for one, next_ in pairwise(leaves)]


@dataclass(frozen=True)
class Subtotal:
    """The value of one node.

    Attributes
    ----------
    begin, end : int
        The places, among the leaves that take part, that it covers: from `begin` to before `end`.
    term : Term or None
        None where no leaf under it has a value.
    """

    begin: int
    end: int
    term: Term | None


class TreeSum:
    """Adds up leaves that come in any order, and nodes that others added up.

    Parameters
    ----------
    leaves : sequence of int
        The numbers of the leaves that take part, rising.
    at_once : int, optional
        How many replies are gathered before they are added up; None leaves that to whoever reads the sum.
    """

    def __init__(self, leaves: Sequence[int], at_once: int | None = None) -> None:
        self._places = {leaf: place for place, leaf in enumerate(leaves)}
        self._joints = (ABOVE, *joints(leaves), ABOVE)
        self._at_once = at_once
        self._sizes: tuple[int, ...] = ()
        self._by_begin: dict[int, Subtotal] = {}
        self._by_end: dict[int, Subtotal] = {}

    def add(self, leaf: int, reply: Reply | None) -> None:
        """Add a leaf; None where there is no reply."""
        if reply is not None and not self._sizes:
            self._sizes = reply.sizes
        place = self._places[leaf]
        self.join(Subtotal(place, place + 1, reply))

    def join(self, part: Subtotal) -> None:
        """Add a node, and with its sibling the node above it, as far up as all is there."""
        while (sibling := self._sibling(part)) is not None:
            del self._by_begin[sibling.begin], self._by_end[sibling.end]
            begin, end = min(part.begin, sibling.begin), max(part.end, sibling.end)
            part = Subtotal(begin, end, self._joined(part.term, sibling.term))
        self._by_begin[part.begin] = self._by_end[part.end] = part

    def parts(self) -> list[Subtotal]:
        """Return the nodes that no other node holds, in order."""
        return [self._by_begin[begin] for begin in sorted(self._by_begin)]

    def settled(self) -> list[Subtotal]:
        """Return these nodes as they are sent elsewhere: what is not added up would be larger than its sum."""
        return [
            replace(part, term=added_up(part.term, self._sizes)) if isinstance(part.term, Pair) else part
            for part in self.parts()
        ]

    def total(self) -> Term | None:
        """Return the sum of all leaves, None where none has a value.

        Raises
        ------
        ValueError
            Where a leaf is missing.
        """
        parts = self.parts()
        if len(parts) != 1 or parts[0].end != len(self._places):
            raise ValueError(f"{len(self._places)} leaves take part, and not all are there")
        return parts[0].term

    def _sibling(self, part: Subtotal) -> Subtotal | None:
        """Return the other child of the node above, if it is there whole."""
        left, right = self._joints[part.begin], self._joints[part.end]
        if left < right:
            other = self._by_end.get(part.begin)
            return other if other is not None and self._joints[other.begin] > left else None
        if right < left:
            other = self._by_begin.get(part.end)
            return other if other is not None and self._joints[other.end] > right else None
        return None

    def _joined(self, one: Term | None, other: Term | None) -> Term | None:
        if one is None or other is None:
            return one if other is None else other
        both = Pair(one, other)
        if self._at_once is None:
            return both
        is_due = both.replies >= self._at_once or isinstance(one, Vector) or isinstance(other, Vector)
        return added_up(both, self._sizes) if is_due else both


def sum_of(leaves: Sequence[int], parts: Iterable[Subtotal], missing: Iterable[int] = ()) -> Term | None:
    """Return the sum of parts that several workers hold, to be added up by whoever reads it; None without a reply.

    Parameters
    ----------
    leaves : sequence of int
        Those that take part.
    parts : iterable of Subtotal
    missing : iterable of int
        Leaves that nobody holds.
    """
    total = TreeSum(leaves)
    for leaf in missing:
        total.add(leaf, None)
    for part in parts:
        total.join(part)
    return total.total()


def cuts(leaves: Sequence[int], shares: Sequence[int]) -> list[int]:
    """Return where to divide leaves among workers so that each holds few nodes.

    Parameters
    ----------
    leaves : sequence of int
        Rising numbers.
    shares : sequence of int
        How many leaves each worker is to have, about; they add up to all.

    Returns
    -------
    list of int
        The place after each worker's last leaf; within an eighth of the mean share of where it should be, the place
        with the highest joint.
    """
    levels, slack = (ABOVE, *joints(leaves), ABOVE), len(leaves) // (8 * len(shares))
    places, end = [0], 0
    for share in shares:
        end += share
        near = range(max(1, places[-1], end - slack), min(len(leaves) - 1, end + slack) + 1)
        is_inside = 0 < end < len(leaves) and near
        places.append(max(near, key=lambda place: (levels[place], -abs(place - end))) if is_inside else end)
    return places[1:]
