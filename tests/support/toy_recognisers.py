"""Made-up features and small recognisers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.heads.head import Head
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import CharacterTokens

TOKENS = CharacterTokens(" abcde")
MELS = 8
UNITS = 8


def operations(frames: int, layers: int = 2) -> int:
    """Bound the operations one after another from features to scores: a sum over what enters each frame's units."""
    stacked, inputs = -(-frames // 3), 3 * MELS
    return layers * stacked * (inputs + 2 * UNITS)


def features(*frames: int, seed: int = 0) -> list[NDArray[np.float16]]:
    random = np.random.default_rng(seed)
    return [random.standard_normal((count, MELS)).astype(np.float16) for count in frames]


def speaker(model: Recogniser) -> Head:
    """The head that says what is heard: of a joint recogniser its transducer."""
    return getattr(model, "transducer", model.head)


def recogniser(
    kind: str = "bilstm", head: str = "ctc", layers: int = 2, dropout: float = 0.0, subsampling: str = "stacked"
) -> Recogniser:  # fmt: skip
    encoder = EncoderSpec(kind, layers, UNITS, dropout, heads=2, kernel=3)
    torch.manual_seed(1)
    spec = RecogniserSpec(FeatureSpec(mels=MELS), encoder, head, 0.3, 8, subsampling=subsampling)
    return Recogniser(spec, TOKENS)
