"""A silo: one data holder."""

from __future__ import annotations

from dataclasses import dataclass

from fedasr.common.randomness import Streams
from fedasr.corpora.speech import Speech


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
    """

    number: int
    speech: Speech
    streams: Streams
    held_out: Speech
