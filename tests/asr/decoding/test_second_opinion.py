"""flashlight-text, where it is installed, hears the same words by CTC."""

import math

import numpy as np
import pytest
import torch

from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.decoding.lexicon import spellings
from fedasr.asr.decoding.ngram import NGram, learn_ngram
from fedasr.asr.decoding.search import Balance, Pruning, search
from fedasr.asr.heads.beam import ctc_beam
from fedasr.asr.tokens import BLANK, Tokens, learn_pieces

flashlight = pytest.importorskip("flashlight.lib.text.decoder", reason="flashlight-text is not installed (extra test)")
BONUS = 0.5
WORDS = ("abc", "bca", "cab", "acb", "bb")
"""No two of them are spelt as another."""
CLEAR = 1.0
"""It adds alignments up after it has thrown some away: what is a near tie may fall otherwise."""


def _flashlight(log_probs_TV: torch.Tensor, ngram: NGram, tokens: Tokens) -> list[str]:
    """The words of its lexicon decoder, which adds up the alignments that its beam holds; without a language model."""
    silence = tokens.size - 1  # the unknown token, which no word is spelt with
    lexicon, zero = flashlight.Trie(tokens.size, silence), flashlight.ZeroLM()
    start = zero.start(False)
    for word, spelling in spellings(ngram.words, tokens).items():
        place = ngram.words.index(word)
        _, score = zero.score(start, place)
        lexicon.insert(list(spelling), place, score)
    lexicon.smear(flashlight.SmearingMode.MAX)
    options = flashlight.LexiconDecoderOptions(
        2000, tokens.size, 1e3, 0.0, BONUS, -math.inf, -math.inf, True, flashlight.CriterionType.CTC
    )  # fmt: skip
    decoder = flashlight.LexiconDecoder(options, lexicon, zero, silence, BLANK, -1, [], False)
    emissions = np.ascontiguousarray(log_probs_TV.numpy(), np.float32)
    best = decoder.decode(emissions.ctypes.data, *emissions.shape)[0]
    return [ngram.words[word] for word in best.words if word >= 0]


def _frames(said: list[int], tokens: int, noise: np.random.Generator) -> torch.Tensor:
    """Log-probabilities of frames in which some tokens are heard, a blank between two, all of them doubted."""
    logits = noise.normal(0, 2, (2 * len(said) + 1, tokens))
    logits[::2, BLANK] += 4
    logits[range(1, len(logits), 2), said] += 4
    logits[:, -1] = -50.0  # what flashlight takes for silence
    return torch.from_numpy(logits).log_softmax(-1)


def test_flashlight_hears_the_same_words() -> None:
    tokens, ngram, heard = learn_pieces(list(WORDS) * 5, 8), learn_ngram(WORDS, 1), set()
    decoder = Decoder(Pruning(500, 50.0), Balance(0.0, BONUS), ngram)
    for seed in range(40):
        noise = np.random.default_rng(seed)
        said = [token for word in noise.choice(WORDS, 2) for token in tokens.encode(word)]
        log_probs_TV = _frames(said, tokens.size, noise)
        best, second = search(
            ctc_beam(log_probs_TV), decoder.graph(tokens), ngram, decoder.balance, decoder.pruning, len(log_probs_TV), 2
        )  # fmt: skip
        if best.score(decoder.balance) - second.score(decoder.balance) < CLEAR:
            continue
        own = [ngram.words[word] for word in best.words]
        assert own == _flashlight(log_probs_TV, ngram, tokens), seed
        heard.add(tuple(own))
    assert len(heard) > 10
