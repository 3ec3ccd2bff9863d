"""What cannot be used of a corpus, as data: readers hand it on beside the utterances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fedasr.common.errors import UserError
from fedasr.corpora.utterance import Utterance

MOST_LINES = 20
"""So many faults are told one by one."""


@dataclass(frozen=True)
class Fault:
    """An entry of a corpus that cannot be used.

    Parameters
    ----------
    where : str
        ``file:line``, or the file.
    reason : str
        What is wrong, and the mend.
    kind : str
        What such faults are counted as: ``"empty text"``, ``"audio"``.
    """

    where: str
    reason: str
    kind: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


Entry = Utterance | Fault
"""What a reader makes of one line, row or file."""


class EntryError(Exception):
    """Inside a reader: the entry that is being read cannot be used.

    Parameters
    ----------
    reason, kind : str
        As in `Fault`.
    """

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.reason, self.kind = reason, kind

    def at(self, where: str) -> Fault:
        """Return the fault."""
        return Fault(where, self.reason, self.kind)


def counts(faults: Sequence[Fault]) -> str:
    """Return how many there are of each kind, the most first: ``"3 empty text, 1 audio"``."""
    return ", ".join(f"{n} {kind}" for kind, n in Counter(fault.kind for fault in faults).most_common())


def refusal(faults: Sequence[Fault], name: str, entries: int, mend: str) -> UserError:
    """Return the refusal of a corpus: a line for each of at most twenty faults, and how many there are in all.

    Parameters
    ----------
    faults : sequence of Fault
        At least one.
    name : str
        What the corpus is called.
    entries : int
        How many it has.
    mend : str
        What else can be done.
    """
    lines = [str(fault) for fault in faults[:MOST_LINES]]
    if len(faults) > 1:
        lines.append(f"{name}: {len(faults)} of {entries} entries cannot be used ({counts(faults)}); {mend}")
    return UserError(*lines)
