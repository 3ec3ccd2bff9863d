"""The objective of public speech alone, wherever it is learnt: in silos and at the centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fedasr.training.holdings import Holdings
from fedasr.training.objectives.supervised import Supervised


@dataclass(frozen=True)
class Labelled(Supervised):
    """Learns the transcripts of the labelled public speech, which every silo has, and nothing of a silo's own."""

    learns_private: ClassVar[bool] = False

    def examples(self, held: Holdings) -> Holdings:
        """Return the labelled public speech."""
        return Holdings(public=held.labelled)
