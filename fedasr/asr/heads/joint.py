"""A transducer and a CTC head over one encoder: CTC as an auxiliary loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from fedasr.asr.heads.beam import Beam
from fedasr.asr.heads.ctc import CTCHead
from fedasr.asr.heads.head import Forward, Head
from fedasr.asr.heads.transducer import TransducerHead, TransducerSettings
from fedasr.common.settings import Settings, share


@dataclass(frozen=True)
class JointSettings(TransducerSettings):
    """Settings of a transducer with CTC beside it.

    Parameters
    ----------
    predictor_units, dropout
        See `TransducerSettings`.
    ctc_weight : float
        The share of the CTC loss.
    """

    ctc_weight: float = share(0.3)


class JointHead(Head):
    """Is trained by both losses; the transducer says what is heard, CTC what single frames say."""

    settings: ClassVar[type[Settings]] = JointSettings

    def __init__(self, inputs: int, tokens: int, settings: JointSettings) -> None:
        super().__init__()
        self.ctc = CTCHead(inputs, tokens)
        self.transducer = TransducerHead(inputs, tokens, settings)
        self.ctc_weight = settings.ctc_weight

    @classmethod
    def untrainable(cls) -> str | None:
        """Return why the transducer has no loss here."""
        return TransducerHead.untrainable()

    def parts(self) -> Mapping[str, nn.Module]:
        """Return both heads, which recognisers of one head alone call the same."""
        return {**self.ctc.parts(), **self.transducer.parts()}

    def losses(
        self, encodings_BTF: Tensor, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:  # fmt: skip
        """Return the weighted mean of both losses, in nats, shape (batch,)."""
        arguments = (encodings_BTF, lengths_B, targets_BU, target_lengths_B)
        ctc_B, transducer_B = self.ctc.losses(*arguments), self.transducer.losses(*arguments, generator)
        return self.ctc_weight * ctc_B + (1 - self.ctc_weight) * transducer_B

    def fits(self, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor) -> Tensor:
        """Say which targets both losses can say, or the transducer's where CTC has no share."""
        head = self.ctc if self.ctc_weight else self.transducer
        return head.fits(lengths_B, targets_BU, target_lengths_B)

    def greedy(self, encodings_BTF: Tensor, lengths_B: Tensor) -> list[list[int]]:
        """Return what the transducer hears."""
        return self.transducer.greedy(encodings_BTF, lengths_B)

    def frame_scores(self, encodings_BTF: Tensor) -> Tensor:
        """Return the log-probabilities of CTC, shape (batch, frames, tokens)."""
        return self.ctc.frame_scores(encodings_BTF)

    def prefix(self, encodings_BTF: Tensor, lengths_B: Tensor) -> Forward:
        """Return the transducer's forward variables of the empty prefix."""
        return self.transducer.prefix(encodings_BTF, lengths_B)

    def beam(self, encodings_TF: Tensor) -> Beam:
        """Return the transducer's empty prefix of one utterance."""
        return self.transducer.beam(encodings_TF)
