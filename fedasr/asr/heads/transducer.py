"""The recurrent neural network transducer: prediction network, joiner, loss and greedy decoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedasr.asr.heads.beam import Beam, transducer_beam
from fedasr.asr.heads.head import Forward, Head
from fedasr.asr.heads.prefix_transducer import transducer_forward
from fedasr.asr.heads.rnnt_loss import loss_missing, transducer_losses
from fedasr.asr.layers import dropout
from fedasr.asr.tokens import BLANK
from fedasr.common.settings import Settings, least, number

TOKENS_A_FRAME = 4
"""Greedy decoding emits at most so many tokens a frame."""


@dataclass(frozen=True)
class TransducerSettings(Settings):
    """Settings of a transducer.

    Parameters
    ----------
    predictor_units : int
        Units of the prediction network and the joiner.
    dropout : float
        Probability of dropping an embedding.
    """

    predictor_units: int = least(256, 1)
    dropout: float = number(0.2, least=0.0, most=0.95)


class TransducerHead(Head):
    """Prediction network and joiner of a transducer (Graves 2012).

    Parameters
    ----------
    inputs : int
        Features of an encoding.
    tokens : int
        Tokens, the blank among them; the blank also starts every utterance.
    settings : TransducerSettings
    """

    settings: ClassVar[type[Settings]] = TransducerSettings

    def __init__(self, inputs: int, tokens: int, settings: TransducerSettings) -> None:
        super().__init__()
        units = settings.predictor_units
        self.embedding = nn.Embedding(tokens, units)
        self.predictor = nn.LSTM(units, units, batch_first=True)
        self.from_encoder = nn.Linear(inputs, units)
        self.from_predictor = nn.Linear(units, units)
        self.output = nn.Linear(units, tokens)
        self.dropout = settings.dropout

    @classmethod
    def untrainable(cls) -> str | None:
        """Return why there is no loss here: it is another package's."""
        return loss_missing()

    def parts(self) -> Mapping[str, nn.Module]:
        """Return itself: ``transducer.output.weight`` is the name of its last matrix."""
        return {"transducer": self}

    def join(self, encodings: Tensor, predictions: Tensor) -> Tensor:
        """Return logits; the arguments broadcast against each other up to their last axis."""
        logits: Tensor = self.output(torch.tanh(self.from_encoder(encodings) + self.from_predictor(predictions)))
        return logits

    def losses(
        self, encodings_BTF: Tensor, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:  # fmt: skip
        """Return the negative log-likelihood of each utterance, in nats, shape (batch,)."""
        history_BU = functional.pad(targets_BU, (1, 0), value=BLANK)
        predictions_BUF, _ = self.predictor(dropout(self.embedding(history_BU), self.dropout, generator))
        logits_BTUV = self.join(encodings_BTF[:, :, None], predictions_BUF[:, None]).float()
        return transducer_losses(logits_BTUV, lengths_B, targets_BU, target_lengths_B)

    def greedy(self, encodings_BTF: Tensor, lengths_B: Tensor) -> list[list[int]]:
        """Return the greedy transcription of each utterance, all utterances of the batch at once."""
        batch, frames, _ = encodings_BTF.shape
        device = encodings_BTF.device
        emitted_BU = torch.full((batch, frames * TOKENS_A_FRAME), -1, device=device)
        count_B = torch.zeros(batch, dtype=torch.long, device=device)
        prediction_BF, state = self._predict(torch.full((batch,), BLANK, device=device), None)
        for frame in range(frames):
            speaking_B = lengths_B > frame
            for _ in range(TOKENS_A_FRAME):
                token_B = self.join(encodings_BTF[:, frame], prediction_BF).argmax(-1)
                speaking_B = speaking_B & (token_B != BLANK)
                if not speaking_B.any():
                    break
                emitted_BU[speaking_B, count_B[speaking_B]] = token_B[speaking_B]
                count_B += speaking_B
                following_BF, following = self._predict(token_B, state)
                prediction_BF = torch.where(speaking_B[:, None], following_BF, prediction_BF)
                chosen = speaking_B[None, :, None]
                state = (
                    torch.where(chosen, following[0], state[0]),
                    torch.where(chosen, following[1], state[1]),
                )
        return [row[:n].tolist() for row, n in zip(emitted_BU, count_B.tolist(), strict=True)]

    def _predict(self, token_B: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        output_B1F, state = self.predictor(self.embedding(token_B)[:, None], state)
        assert state is not None
        return output_B1F[:, 0], state

    def prefix(self, encodings_BTF: Tensor, lengths_B: Tensor) -> Forward:
        """Return the forward variables of the empty prefix."""
        return transducer_forward(self, encodings_BTF, lengths_B)

    def beam(self, encodings_TF: Tensor) -> Beam:
        """Return the empty prefix of one utterance."""
        return transducer_beam(self, encodings_TF)

    def next_tokens(
        self, projected_BTF: Tensor, labels_B: Tensor, state: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the log-probabilities of the token after a label in each frame, and the prediction network's state.

        The joiner over encodings that are projected already, which a label would else cost again.

        Parameters
        ----------
        projected_BTF : Tensor
            What ``from_encoder`` makes of the encodings.
        labels_B : Tensor of int64
        state : tuple of Tensor or None
            The prediction network's after the labels before; None at the start.
        """
        predictions_B1F, state = self.predictor(self.embedding(labels_B)[:, None], state)
        assert state is not None
        logits_BTV: Tensor = self.output(torch.tanh(projected_BTF + self.from_predictor(predictions_B1F)))
        return logits_BTV.float().log_softmax(-1), state
