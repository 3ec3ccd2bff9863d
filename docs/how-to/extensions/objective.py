"""An objective of one's own: short utterances, and a penalty on confidence (Pereyra et al. 2017, arXiv 1701.06548).

``objective = "objective:Cautious"`` finds it on the path. In a package it has a name, by its ``pyproject.toml``::

    [project.entry-points."fedasr.objectives"]
    cautious = "objective:Cautious"
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.features import frames_to_seconds
from fedasr.asr.layers import valid_frames
from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import RowError
from fedasr.common.settings import number, share
from fedasr.training.batches import Examples
from fedasr.training.holdings import Chosen, Holdings
from fedasr.training.objectives.objective import Objective


@dataclass(frozen=True)
class Cautious(Objective):
    """Learns transcripts of short utterances, and to be sure of no frame.

    Parameters
    ----------
    longest_seconds : float
        Longer utterances are left out.
    penalty : float
        What a nat less of the frames' mean entropy costs.
    """

    longest_seconds: float = number(10.0, above=0)
    penalty: float = share(0.1)

    def examples(self, held: Holdings) -> Holdings:
        """Return what is short enough, private and public apart."""
        return Holdings(self._short(held.private), self._short(held.public))

    def _short(self, among: Examples) -> Chosen:
        seconds = [frames_to_seconds(among.frames(place)) for place in range(len(among))]
        return Chosen(among, tuple(place for place, each in enumerate(seconds) if each <= self.longest_seconds))

    def losses(self, recogniser: Recogniser, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """Return nats a token, less the penalty times the mean entropy of the frames."""
        batch, head = batch.to(recogniser.device), recogniser.head
        encodings_BTF = recogniser.encoder(batch.features_BTF, batch.lengths_B, generator)
        said = (batch.targets_BU, batch.target_lengths_B)
        losses_B = head.losses(encodings_BTF, batch.lengths_B, *said, generator) / batch.target_lengths_B.clamp_min(1)
        scores_BTV = head.frame_scores(encodings_BTF)
        if scores_BTV is None:
            raise RowError("'cautious' needs the scores of single frames; set model.head = 'ctc'")
        entropy_BT = -(scores_BTV.exp() * scores_BTV).sum(2) * valid_frames(batch.lengths_B, scores_BTV.shape[1])
        return losses_B - self.penalty * entropy_BT.sum(1) / batch.lengths_B
