"""Small recognisers with opinions, lexicons, and how good every sequence of words is by the plain definitions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from fedasr.asr.decoding.lexicon import divider
from fedasr.asr.decoding.search import Balance
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import CharacterTokens, Tokens, WordTokens, learn_pieces
from support.toy_recognisers import speaker

FRAMES = 5
WORDS = ("a", "b", "ab", "ba")
TEXT = ("a ab", "b a", "a", "ba ab a", "ab ab", "b b a")


def tokens_of(kind: str) -> Tokens:
    """Tokens that write the words."""
    if kind == "words":
        return WordTokens(WORDS)
    return learn_pieces(list(TEXT) * 5, 6) if kind == "pieces" else CharacterTokens("ab ")


def model(head: str, tokens: Tokens, seed: int) -> Recogniser:
    """A small recogniser that mostly hears nothing."""
    torch.manual_seed(seed)
    spec = RecogniserSpec(FeatureSpec(mels=4), EncoderSpec("lstm", 1, 6, 0.0), head, predictor_units=6)
    made = Recogniser(spec, tokens)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(2.0)
        for name, part in made.head.parts().items():
            part.output.bias[0] += {"ctc": 0.5, "transducer": 2.0}[name]
    return made


def speech(made: Recogniser, utterances: int, seed: int, frames: int = FRAMES) -> Tensor:
    """Stacked features, shape (utterances, frames, inputs)."""
    inputs = made.encoder.layers[0].input_size
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((utterances, frames, inputs))).float()


def spelt(words: Sequence[str], tokens: Tokens) -> tuple[int, ...]:
    """The tokens of a sequence of words."""
    between: tuple[int, ...] = ()
    said: list[int] = []
    for word in words:
        said += [*between, *tokens.encode(word)]
        between = divider(tokens)
    return tuple(said)


def sequences(tokens: Tokens, words: Sequence[str] = WORDS, longest: int = FRAMES) -> Iterator[tuple[str, ...]]:
    """All sequences of words that have at most so many tokens."""
    for count in range(longest + 1):
        fitting = [s for s in itertools.product(words, repeat=count) if len(spelt(s, tokens)) <= longest]
        if count and not fitting:
            return
        yield from fitting


def sound(made: Recogniser, speech_1TF: Tensor, labels: Sequence[int]) -> float:
    """The log-probability of tokens by the loss that the head is trained with."""
    frames = torch.tensor([speech_1TF.shape[1]])
    targets = torch.tensor([labels], dtype=torch.long).reshape(1, -1)
    with torch.no_grad():
        encodings = made.encode(speech_1TF, frames)
        loss = speaker(made).losses(encodings, frames, targets, torch.tensor([len(labels)])).item()
    fits = bool(speaker(made).fits(frames, targets, torch.tensor([len(labels)])))
    return -loss if fits else -math.inf


def language(sentence: Sequence[str], text: Sequence[str], order: int) -> float:
    """The log-probability of a sentence by the definition: Witten and Bell, interpolated down to equal words."""
    lines = [["<s>", *line.split(), "</s>"] for line in text if line.split()]
    vocabulary = {word for line in lines for word in line} - {"<s>"}

    def probability(word: str, history: tuple[str, ...]) -> float:
        seen = [
            line[at]
            for line in lines
            for at in range(1, len(line))
            if at >= len(history) and tuple(line[at - len(history) : at]) == history
        ]
        shorter = probability(word, history[1:]) if history else 1 / len(vocabulary)
        kinds = len(set(seen))
        return (seen.count(word) + kinds * shorter) / (len(seen) + kinds) if seen else shorter

    said = ["<s>", *sentence, "</s>"]
    first = [max(0, at - order + 1) for at in range(len(said))]
    return sum(math.log(probability(said[at], tuple(said[first[at] : at]))) for at in range(1, len(said)))


def scores(
    made: Recogniser, speech_1TF: Tensor, balance: Balance, text: Sequence[str] = TEXT, order: int = 3
) -> dict[tuple[str, ...], float]:  # fmt: skip
    """The score of every sequence of words."""
    return {
        words: sound(made, speech_1TF, spelt(words, made.tokens))
        + balance.language * language(words, text, order) + balance.word_bonus * len(words)
        for words in sequences(made.tokens, longest=speech_1TF.shape[1])
    }  # fmt: skip
