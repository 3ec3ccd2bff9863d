"""The transducer's forward variables of a prefix, which grow by a label at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn
from torch.nn import functional

from fedasr.asr.heads.prefix_ctc import IMPOSSIBLE, column, log_recurrence, sum_over_frames
from fedasr.asr.layers import valid_frames
from fedasr.asr.tokens import BLANK


class Predicting(Protocol):
    """A transducer as its forward variables need it (`fedasr.asr.heads.transducer.TransducerHead` is one)."""

    from_encoder: nn.Linear

    def next_tokens(
        self, projected_BTF: Tensor, labels_B: Tensor, state: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the log-probabilities of the token after a label in each frame, and the prediction network's state."""


@dataclass(frozen=True)
class TransducerForward:
    """Probabilities of having said the prefix on reaching a frame (Graves 2012).

    Attributes
    ----------
    head : Predicting
    projected_BTF : Tensor
        The encodings as the joiner adds them.
    lengths_B : Tensor of int64
        Frames of each utterance.
    log_probs_BTV : Tensor
        Log-probabilities of the next token in each frame, once the prefix is said.
    reached_BS : Tensor
        α: log-probabilities of having said the prefix on reaching frame t; t runs from 0 to the number
        of frames, where an utterance's own length means its end.
    state : tuple of Tensor
        The prediction network's, each of shape (1, batch, units).
    """

    head: Predicting
    projected_BTF: Tensor
    lengths_B: Tensor
    log_probs_BTV: Tensor
    reached_BS: Tensor
    state: tuple[Tensor, Tensor]

    def extensions(self) -> Tensor:
        """Return ``log P(prefix and then label …)``, shape (batch, tokens), the blank impossible."""
        scores_BV = sum_over_frames(self._speaking(), self.log_probs_BTV)
        scores_BV[:, BLANK] = IMPOSSIBLE
        return scores_BV

    def ends(self) -> Tensor:
        """Return ``log P(prefix and no more)``, shape (batch,)."""
        return self.reached_BS.gather(1, self.lengths_B[:, None])[:, 0]

    def append(self, labels_B: Tensor) -> TransducerForward:
        """Return the forward variables of the prefix and one more label."""
        said_BT = self._speaking() + column(self.log_probs_BTV, labels_B)
        said_BS = functional.pad(said_BT, (0, 1), value=IMPOSSIBLE)
        log_probs_BTV, state = self.head.next_tokens(self.projected_BTF, labels_B, self.state)
        waited_BS = functional.pad(log_probs_BTV[:, :, BLANK], (1, 0))
        reached_BS = log_recurrence(waited_BS, said_BS)
        return TransducerForward(self.head, self.projected_BTF, self.lengths_B, log_probs_BTV, reached_BS, state)

    def select(self, rows_R: Tensor) -> TransducerForward:
        """Return the variables of some rows, in the order asked for; a row may come twice."""
        return TransducerForward(
            self.head, self.projected_BTF[rows_R], self.lengths_B[rows_R], self.log_probs_BTV[rows_R],
            self.reached_BS[rows_R], (self.state[0][:, rows_R], self.state[1][:, rows_R]),
        )  # fmt: skip

    def _speaking(self) -> Tensor:
        """Return α on the frames that can say a label."""
        valid_BT = valid_frames(self.lengths_B, self.log_probs_BTV.shape[1])
        return self.reached_BS[:, :-1].masked_fill(~valid_BT, IMPOSSIBLE)


def transducer_forward(head: Predicting, encodings_BTF: Tensor, lengths_B: Tensor) -> TransducerForward:
    """Return the forward variables of the empty prefix."""
    projected_BTF = head.from_encoder(encodings_BTF)
    log_probs_BTV, state = head.next_tokens(projected_BTF, lengths_B.new_full(lengths_B.shape, BLANK), None)
    reached_BS = functional.pad(log_probs_BTV[:, :, BLANK].cumsum(1), (1, 0))
    return TransducerForward(head, projected_BTF, lengths_B, log_probs_BTV, reached_BS, state)
