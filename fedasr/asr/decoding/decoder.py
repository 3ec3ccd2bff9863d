"""A decoder: what turns encodings into text by searching, alike for every model of an experiment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from fedasr.asr.decoding.decoding_spec import LEXICON, DecodingSpec
from fedasr.asr.decoding.lexicon import Graph, anything, divider, spellings, trie
from fedasr.asr.decoding.ngram import NGram, learn_ngram
from fedasr.asr.decoding.search import Balance, Pruning, Text, search
from fedasr.asr.decoding.tuning import GRID
from fedasr.asr.decoding.viterbi import best_text
from fedasr.asr.decoding.word_network import WordNetwork, word_network
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.tokens import PhoneTokens, Tokens, tokens_from_json
from fedasr.common.errors import RowError

UNCHOSEN = Balance(0.6, 0.0)
"""The balance where nobody states one and there is nothing to choose it on."""


@dataclass(frozen=True, eq=False)
class Decoder:
    """Searches texts: all that can be written, or sequences of the words of an n-gram.

    A head that scores beginnings of transcripts is searched label by label, one that labels frames by Viterbi.

    It depends on no model: what one hears is given. An utterance is searched by itself, in float64 on the CPU,
    so that a text does not depend on which others it is decoded with.

    Parameters
    ----------
    pruning : Pruning
    balance : Balance
    ngram : NGram, optional
        Without it any text may be heard.
    pronunciations : tuple of (str, str)
        Phones of words that a model of phones has not learnt on its public text, divided by spaces.
    """

    pruning: Pruning
    balance: Balance
    ngram: NGram | None = None
    pronunciations: tuple[tuple[str, str], ...] = ()

    def __call__(self, recogniser: Recogniser, encodings_BTF: Tensor, lengths_B: Tensor) -> list[str]:
        """Return the best text of each utterance; empty where there is none."""
        lists = self.texts(recogniser, encodings_BTF, lengths_B)
        return [self._written(texts[0], recogniser.tokens) if texts else "" for texts in lists]

    def _written(self, text: Text, tokens: Tokens) -> str:
        if tokens.aligned_by and self.ngram is not None:
            return " ".join(self.ngram.words[word] for word in text.words)
        return tokens.decode(text.labels)

    @torch.inference_mode()
    def texts(
        self, recogniser: Recogniser, encodings_BTF: Tensor, lengths_B: Tensor, size: int = 1,
        longest: int | None = None,
    ) -> list[list[Text]]:  # fmt: skip
        """Return up to `size` texts of each utterance, the best first.

        Parameters
        ----------
        recogniser : Recogniser
        encodings_BTF : Tensor
        lengths_B : Tensor of int64
            Frames of each utterance. No text has more labels than its utterance has frames.
        size : int
        longest : int, optional
            Labels of the longest text.

        Raises
        ------
        RowError
            Where the head scores no beginnings of transcripts, and frames neither.
        """
        if recogniser.head.is_aligned:
            return self._by_frames(recogniser, encodings_BTF, lengths_B, size)
        graph, ngram, found = self.graph(recogniser.tokens), _met(self).ngram, []
        for encodings_TF, frames in zip(encodings_BTF, lengths_B.tolist(), strict=True):
            beam = recogniser.head.beam(encodings_TF[:frames])
            if beam is None:
                raise RowError(
                    f"the head '{recogniser.spec.head}' scores no beginnings of transcripts; decode greedily"
                )
            most = frames if longest is None else min(frames, longest)
            found.append(search(beam, graph, ngram, self.balance, self.pruning, most, size))
        return found

    def _by_frames(
        self, recogniser: Recogniser, encodings_BTF: Tensor, lengths_B: Tensor, size: int
    ) -> list[list[Text]]:  # fmt: skip
        """Return the best text of each utterance; where more are asked for, the best by each balance of the grid."""
        scores_BTV = recogniser.head.frame_scores(encodings_BTF)
        if self.ngram is None or scores_BTV is None:
            raise RowError(f"the head '{recogniser.spec.head}' is decoded with a lexicon, or greedily")
        network = _network(self, json.dumps(recogniser.tokens.to_json()))
        balances, found = (self.balance, *(GRID if size > 1 else ())), list[list[Text]]()
        for scores_TV, frames in zip(scores_BTV.double().cpu().numpy(), lengths_B.tolist(), strict=True):
            texts = [best_text(scores_TV[:frames], network, balance, self.pruning) for balance in balances]
            found.append(list(dict.fromkeys(text for text in texts if text is not None))[:size])
        return found

    def graph(self, tokens: Tokens) -> Graph:
        """Return what may be said, in a model's tokens."""
        return _graph(self, json.dumps(tokens.to_json()))

    def knows(self, word: str, tokens: Tokens) -> bool:
        """Say whether a word can be heard."""
        if self.ngram is None:
            return tokens.can_write(word)
        return word in self._words and (tokens.can_write(word) or word in dict(self.pronunciations))

    def balanced(self, balance: Balance) -> Decoder:
        """Return the decoder with another balance."""
        return replace(self, balance=balance)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self.ngram.words if self.ngram else ())

    @cached_property
    def digest(self) -> str:
        """What it is called by: two of one digest decode alike."""
        about = (self.pruning, self.balance, *([self.pronunciations] if self.pronunciations else []))
        total = hashlib.sha256(repr(about).encode())
        if self.ngram is not None:
            total.update("\n".join(self.ngram.words).encode())
            for grams in self.ngram.grams:
                total.update(f"{grams.shape}".encode() + grams.tobytes())
        return total.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decoder) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[type[Decoder], tuple[Pruning, Balance, NGram | None, tuple[tuple[str, str], ...]]]:
        return Decoder, (self.pruning, self.balance, self.ngram, self.pronunciations)


def learnt(spec: DecodingSpec, sentences: Iterable[str]) -> Decoder | None:
    """Return the decoder of some settings, its words and n-gram learnt on sentences; None where it is greedy.

    Raises
    ------
    ValueError
        Where there is to be a lexicon, and no sentence holds a word.
    """
    if spec.is_greedy:
        return None
    pruning = Pruning(spec.beam, spec.drop)
    if spec.method != LEXICON:
        return Decoder(pruning, Balance())
    ngram = learn_ngram(sentences, spec.order)
    if not ngram.words:
        raise ValueError("a lexicon needs text")
    if spec.language_weight is None or spec.word_bonus is None:
        return Decoder(pruning, UNCHOSEN, ngram)
    return Decoder(pruning, Balance(spec.language_weight, spec.word_bonus), ngram)


@lru_cache(maxsize=2)
def _graph(decoder: Decoder, tokens_json: str) -> Graph:
    tokens = tokens_from_json(json.loads(tokens_json))
    if decoder.ngram is None:
        return anything(tokens.size)
    number = {word: place for place, word in enumerate(decoder.ngram.words)}
    spelt = {number[word]: spelling for word, spelling in spellings(decoder.ngram.words, tokens).items()}
    alone = {word: decoder.ngram.log_probability((), word) for word in spelt}
    return trie(spelt, divider(tokens), alone)


@lru_cache(maxsize=2)
def _network(decoder: Decoder, tokens_json: str) -> WordNetwork:
    tokens = tokens_from_json(json.loads(tokens_json))
    assert isinstance(tokens, PhoneTokens)
    assert decoder.ngram is not None
    more: dict[str, list[tuple[int, ...]]] = {}
    for word, said in decoder.pronunciations:
        more.setdefault(word, []).append(tuple(tokens.numbered(said.split())))
    known = {**more, **tokens.pronunciations}
    said_by = {place: known[word] for place, word in enumerate(decoder.ngram.words) if word in known}
    return word_network(decoder.ngram, said_by)


@lru_cache(maxsize=2)
def _met(decoder: Decoder) -> Decoder:
    """Return the decoder of this process that is alike: one that came in a message has looked nothing up yet."""
    return decoder
