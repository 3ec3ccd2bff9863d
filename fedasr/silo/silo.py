"""A silo: one data holder."""

from __future__ import annotations

from dataclasses import dataclass

from fedasr.common.randomness import Streams
from fedasr.corpora.speech import Speech


@dataclass(frozen=True)
class Silo:
    """One data holder: its number, its own speech and its random streams."""

    number: int
    speech: Speech
    streams: Streams
