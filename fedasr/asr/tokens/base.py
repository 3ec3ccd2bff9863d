"""What tokens are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

BLANK = 0


class UntokenisableError(ValueError):
    """A text holds something that has no token."""


class Tokens(ABC):
    """Maps texts to token numbers and back. ``size`` counts the blank."""

    kind: ClassVar[str]
    """``"characters"``, ``"words"``, ``"pieces"`` or ``"phones"``, as ``model.tokens`` has it."""
    unit: ClassVar[str] = "characters"
    """What a text is made of that is known or unknown: ``"characters"`` or ``"words"``."""

    aligned_by: str = ""
    """The name of the alignments that targets are read from, a token a frame; empty where they are transcripts."""

    @property
    @abstractmethod
    def size(self) -> int:
        """The number of tokens, the blank and the unknown token among them."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the token numbers of a text.

        Raises
        ------
        UntokenisableError
            Where a character has no token; only tokens of before there was an unknown one raise it.
        """

    def numbered(self, names: Sequence[str]) -> list[int]:
        """Return the token numbers of the labels of alignments, by their names.

        Raises
        ------
        UntokenisableError
            Where tokens are no labels of frames.
        """
        raise UntokenisableError(f"{self.kind} label no frames")

    def encode_if_known(self, text: str) -> list[int]:
        """Return the token numbers of a text that is only scored; none where a character has no token."""
        try:
            return self.encode(text)
        except UntokenisableError:
            return []

    @abstractmethod
    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of token numbers, words divided by single spaces; the blank and the unknown token vanish."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return what `tokens_from_json` needs to make the same tokens again."""

    def can_write(self, unit: str) -> bool:
        """Say whether a character or a word comes back as it is."""
        return self.decode(self.encode_if_known(unit)) == unit
