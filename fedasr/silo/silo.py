"""A silo: one data holder."""

from __future__ import annotations

from dataclasses import dataclass

from fedasr.common.randomness import Streams
from fedasr.corpora.speech import Speech
from fedasr.training.targets.taught import Teacher


@dataclass(frozen=True)
class Silo:
    """One data holder.

    Attributes
    ----------
    number : int
    speech : Speech
        Its own, that it trains on.
    streams : Streams
    held_out : Speech
        Its own, that it never trains on; there may be none.
    teacher : Teacher, optional
        What a teacher says of its own speech, where it was sent one.
    """

    number: int
    speech: Speech
    streams: Streams
    held_out: Speech
    teacher: Teacher | None = None
