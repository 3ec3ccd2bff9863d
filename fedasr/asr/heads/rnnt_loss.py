"""The transducer's loss is torchaudio's: the one thing that is taken of it, and imported only where one is trained.

torchaudio ended at 2.11 and does not fit torch 2.12 and later. Without it a transducer still writes what it hears.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from fedasr.asr.tokens import BLANK
from fedasr.common.errors import UserError

BROKEN = (ImportError, OSError, RuntimeError, AttributeError)
"""What importing it raises: where it is absent, or was built for another torch."""


def loss_missing() -> str | None:
    """Return why the loss cannot be had here, in a line; None where it can."""
    try:
        _imported()
    except BROKEN as error:
        reason = str(error).partition("\n")[0]
        return (
            f"the transducer's loss needs torchaudio, which fits torch < 2.12 and cannot be imported here ({reason}); "
            "install torch<2.12 together with torchaudio, or choose head = 'ctc'"
        )
    return None


def transducer_losses(logits_BTUV: Tensor, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor) -> Tensor:
    """Return the negative log-likelihood of each utterance, in nats, shape (batch,) (Graves 2012).

    Parameters
    ----------
    logits_BTUV : Tensor of float32
        Scores of the next token in each frame, after each number of tokens, from none to all.
    lengths_B : Tensor of int64
        Frames of each utterance.
    targets_BU : Tensor of int64
        Token numbers, padded with zeros.
    target_lengths_B : Tensor of int64
        Tokens of each utterance.

    Raises
    ------
    UserError
        Where there is no torchaudio.
    """
    if missing := loss_missing():
        raise UserError(missing)
    lengths = (lengths_B.int(), target_lengths_B.int())
    return _imported()(logits_BTUV, targets_BU.int(), *lengths, BLANK, reduction="none")


def _imported() -> Callable[..., Tensor]:
    from torchaudio.functional import rnnt_loss

    loss: Callable[..., Tensor] = rnnt_loss
    return loss
