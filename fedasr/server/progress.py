"""How far a row is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a row is: what the terminal shows and ``metrics.jsonl`` keeps of one round."""

    row: str
    round: int
    rounds: int
    train_loss: float | None = None
    development_wer: float | None = None
