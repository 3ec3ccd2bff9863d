"""Made-up speech to train on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import CharacterTokens
from fedasr.corpora.speech import Speech, held_speech
from fedasr.corpora.synthetic import SpokenText
from fedasr.corpora.synthetic.voices import voices
from fedasr.corpora.utterance import Utterance

TOKENS = CharacterTokens(" abcde")
MELS = 8


def made_up(count: int, seed: int = 0, name: str = "u") -> Speech:
    """Utterances of noise, 20 to 60 frames, one to three letters each."""
    random = np.random.default_rng(seed)
    features: list[NDArray[np.floating]] = [
        random.standard_normal((int(random.integers(20, 60)), MELS)).astype(np.float16) for _ in range(count)
    ]
    texts = ["".join(random.choice(list("abcde"), int(random.integers(1, 4)))) for _ in range(count)]
    audio = SpokenText("a", voices(0, 1)[0], -20.0, 30.0, 0.5, 0)
    utterances = tuple(
        Utterance(f"{name}{number}", f"{name}{number % 3}", text, 0.5, audio) for number, text in enumerate(texts)
    )
    return held_speech(utterances, features)


def respoken(speech: Speech, utterances: Sequence[Utterance]) -> Speech:
    """Return speech with the same features in which these utterances stand for its own."""
    return held_speech(utterances, [speech.features(place) for place in range(len(speech))])


def small_recogniser(dropout: float = 0.0) -> Recogniser:
    torch.manual_seed(2)
    spec = RecogniserSpec(FeatureSpec(mels=MELS), EncoderSpec("bilstm", 1, 8, dropout))
    return Recogniser(spec, TOKENS)
