"""Parts of a recogniser that compute in float64, as a user would make them."""

from __future__ import annotations

from fedasr.asr.encoders.lstm import BidirectionalLSTMEncoder, LSTMSettings
from fedasr.asr.heads.ctc import CTCHead
from fedasr.common.settings import Settings


class DoubleEncoder(BidirectionalLSTMEncoder):
    """The usual encoder in float64."""

    def __init__(self, inputs: int, settings: LSTMSettings) -> None:
        super().__init__(inputs, settings)
        self.double()


class DoubleHead(CTCHead):
    """The usual head in float64."""

    def __init__(self, inputs: int, tokens: int, settings: Settings) -> None:
        super().__init__(inputs, tokens, settings)
        self.double()


DOUBLE = {"encoder": f"{__name__}:DoubleEncoder", "head": f"{__name__}:DoubleHead"}
"""For an experiment's table ``model``."""
