"""Tokens: characters, words or sentencepieces. Token 0 is the blank of CTC and of the transducer.

What is learnt (an alphabet, a vocabulary, pieces) is learnt on public text only.
"""

from __future__ import annotations

import base64
import io
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sentencepiece

BLANK = 0
ENGLISH = " 'abcdefghijklmnopqrstuvwxyz"


class UntokenisableError(ValueError):
    """A text holds something that has no token."""


class Tokens(ABC):
    """Maps texts to token numbers and back. ``size`` counts the blank."""

    @property
    @abstractmethod
    def size(self) -> int:
        """The number of tokens, the blank among them."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the token numbers of a text.

        Raises
        ------
        UntokenisableError
            Where a character has no token.
        """

    @abstractmethod
    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of token numbers; the blank and unknown words vanish."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return what `tokens_from_json` needs to make the same tokens again."""


@dataclass(frozen=True)
class CharacterTokens(Tokens):
    """One token a character."""

    alphabet: str

    @property
    def size(self) -> int:
        return len(self.alphabet) + 1

    def encode(self, text: str) -> list[int]:
        numbers = [self.alphabet.find(character) + 1 for character in text]
        if 0 in numbers:
            raise UntokenisableError(f"the character {text[numbers.index(0)]!r} is not in the alphabet")
        return numbers

    def decode(self, numbers: Iterable[int]) -> str:
        return " ".join("".join(self.alphabet[n - 1] for n in numbers if n > 0).split())

    def to_json(self) -> dict[str, Any]:
        return {"kind": "characters", "alphabet": self.alphabet}


@dataclass(frozen=True)
class WordTokens(Tokens):
    """One token a word; the last token stands for every word that the public text does not have."""

    words: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.words) + 2

    def encode(self, text: str) -> list[int]:
        number = {word: n for n, word in enumerate(self.words, start=1)}
        return [number.get(word, self.size - 1) for word in text.split()]

    def decode(self, numbers: Iterable[int]) -> str:
        return " ".join(self.words[n - 1] for n in numbers if 0 < n < self.size - 1)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "words", "words": list(self.words)}


class PieceTokens(Tokens):
    """Sentencepieces (a unigram model); its unknown piece is a token like any other."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    @property
    def size(self) -> int:
        return int(self._processor.get_piece_size()) + 1

    def encode(self, text: str) -> list[int]:
        return [piece + 1 for piece in self._processor.encode(text)]

    def decode(self, numbers: Iterable[int]) -> str:
        pieces = [n - 1 for n in numbers if n > 0 and n - 1 != self._processor.unk_id()]
        return str(self._processor.decode(pieces))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "pieces", "model": base64.b64encode(self.model).decode()}


def learn_characters(texts: Iterable[str]) -> CharacterTokens:
    """Return English letters, the apostrophe, the space and whatever else the texts hold."""
    return CharacterTokens("".join(sorted(set(ENGLISH).union(*texts))))


def learn_words(texts: Iterable[str]) -> WordTokens:
    """Return every word of the texts, the most frequent first."""
    counts = Counter(word for text in texts for word in text.split())
    return WordTokens(tuple(sorted(counts, key=lambda word: (-counts[word], word))))


def learn_pieces(texts: Sequence[str], size: int) -> PieceTokens:
    """Return at most `size` sentencepieces learnt on the texts; fewer where the texts are few."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, vocab_size=size, hard_vocab_limit=False,
        character_coverage=1.0, bos_id=-1, eos_id=-1, num_threads=1, minloglevel=2,
    )  # fmt: skip
    return PieceTokens(model.getvalue())


def tokens_from_json(data: dict[str, Any]) -> Tokens:
    """Return the tokens that ``to_json`` described."""
    match data["kind"]:
        case "characters":
            return CharacterTokens(str(data["alphabet"]))
        case "words":
            return WordTokens(tuple(data["words"]))
        case "pieces":
            return PieceTokens(base64.b64decode(data["model"]))
    raise ValueError(f"unknown tokens '{data['kind']}'")
