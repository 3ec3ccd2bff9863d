"""What a recogniser heard in some utterances, in half precision: all that its head can be asked, without its encoder.

Teachers vote from it, so that a vote is the same whether the encodings were made for it or kept from another.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from fedasr.asr.decoding.prefix import PrefixScorer, encoded, scorer_of
from fedasr.asr.heads.head import Head
from fedasr.asr.layers import valid_frames
from fedasr.asr.recogniser import Recogniser


@dataclass(frozen=True)
class Hearing:
    """What was heard in a batch of utterances.

    Attributes
    ----------
    values_BTX : Tensor
        Encodings, or the log-probabilities of each frame where these are all that the head is asked through and are
        not more; float16, zeros on the padding. Numbers that float16 cannot hold stay in their own type.
    lengths_B : Tensor of int64
        Frames of each utterance.
    are_scores : bool
        Whether they are log-probabilities.
    """

    values_BTX: Tensor
    lengths_B: Tensor
    are_scores: bool

    def prefix_scorer(self, recogniser: Recogniser) -> PrefixScorer:
        """Return the scorer of the empty prefix; the recogniser is the one that heard.

        Raises
        ------
        RowError
            Where its head scores no prefixes.
        """
        values_BTX, lengths_B = self._values(recogniser), self.lengths_B.to(recogniser.device)
        if not self.are_scores:
            return scorer_of(recogniser, recogniser.head.prefix(values_BTX, lengths_B))
        return scorer_of(recogniser, recogniser.head.prefix_of_scores(values_BTX, lengths_B))

    @torch.no_grad()
    def frame_scores(self, recogniser: Recogniser) -> Tensor | None:
        """Return the log-probabilities of each frame, shape (batch, frames, tokens); None where the head has none."""
        values_BTX = self._values(recogniser)
        return values_BTX if self.are_scores else recogniser.head.frame_scores(values_BTX)

    def packed(self) -> Tensor:
        """Return the values without padding, shape (all frames, values a frame)."""
        lengths = self.lengths_B.tolist()
        return torch.cat([of_one[:length] for of_one, length in zip(self.values_BTX, lengths, strict=True)])

    def _values(self, recogniser: Recogniser) -> Tensor:
        kind = recogniser.encoding_type
        kind = torch.promote_types(kind, torch.float32) if self.are_scores else kind
        return self.values_BTX.to(recogniser.device, kind)


def unpacked(packed: Tensor, lengths_B: Tensor, are_scores: bool) -> Hearing:
    """Return what `Hearing.packed` was of."""
    values_BTX = pad_sequence(list(torch.split(packed, lengths_B.tolist())), batch_first=True)
    missing = max(1 - values_BTX.shape[1], 0)
    return Hearing(torch.nn.functional.pad(values_BTX, (0, 0, 0, missing)), lengths_B, are_scores)


@torch.no_grad()
def heard(recogniser: Recogniser, features_BTF: Tensor, lengths_B: Tensor) -> Hearing:
    """Return what a recogniser hears in utterances.

    Parameters
    ----------
    recogniser : Recogniser
    features_BTF, lengths_B : Tensor
        As in `fedasr.asr.batch.Batch`.
    """
    values_BTX, are_scores = encoded(recogniser, features_BTF, lengths_B), False
    head, tokens = recogniser.head, recogniser.tokens.size
    if type(head).prefix is Head.prefix and tokens <= values_BTX.shape[2]:  # what it is asked rests on frames alone
        scores_BTV = head.frame_scores(values_BTX)
        if scores_BTV is not None:
            values_BTX, are_scores = scores_BTV, True
    valid_BT = valid_frames(lengths_B.to(values_BTX.device), values_BTX.shape[1])
    values_BTX = values_BTX.masked_fill(~valid_BT[:, :, None], 0)
    halved_BTX = values_BTX.half()
    is_held = bool((halved_BTX.isfinite() | ~values_BTX.isfinite()).all())
    return Hearing((halved_BTX if is_held else values_BTX).cpu(), lengths_B.cpu(), are_scores)
