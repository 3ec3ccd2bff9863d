"""Tokens that are characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from fedasr.asr.tokens.base import Tokens, UntokenisableError

ENGLISH = " 'abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class CharacterTokens(Tokens):
    """One token a character.

    Parameters
    ----------
    alphabet : str
    has_unknown : bool
        Whether the last token stands for every character that is not in the alphabet; models of before have none.
    """

    kind: ClassVar[str] = "characters"
    alphabet: str
    has_unknown: bool = False

    @property
    def size(self) -> int:
        return len(self.alphabet) + 1 + self.has_unknown

    @cached_property
    def _number(self) -> dict[str, int]:
        return {character: number for number, character in enumerate(self.alphabet, start=1)}

    def encode(self, text: str) -> list[int]:
        if self.has_unknown:
            return [self._number.get(character, self.size - 1) for character in text]
        for character in text:
            if character not in self._number:
                raise UntokenisableError(f"the character {character!r} is not in the alphabet")
        return [self._number[character] for character in text]

    def decode(self, numbers: Iterable[int]) -> str:
        return " ".join("".join(self.alphabet[n - 1] for n in numbers if 0 < n <= len(self.alphabet)).split())

    def to_json(self) -> dict[str, Any]:
        unknown = {"unknown": True} if self.has_unknown else {}
        return {"kind": self.kind, "alphabet": self.alphabet, **unknown}


def given_characters(alphabet: str) -> CharacterTokens:
    """Return the characters of an alphabet, as text is written that is learnt from, and an unknown token."""
    return CharacterTokens("".join(sorted(set(unicodedata.normalize("NFC", alphabet)))), has_unknown=True)


def learn_characters(texts: Iterable[str]) -> CharacterTokens:
    """Return English letters, the apostrophe, the space, whatever else the texts hold, and an unknown token."""
    return CharacterTokens("".join(sorted(set(ENGLISH).union(*texts))), has_unknown=True)
