"""Tokens that are pieces of words, learnt by SentencePiece (Kudo and Richardson 2018)."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import sentencepiece

from fedasr.asr.tokens.base import Tokens

_LONGEST_TEXT_BYTES = 2**30

# SentencePiece writes U+2581 for a space, and leaves out of its training whatever holds U+2585 or the name of its
# unknown piece. Code points that are no characters, and so in no text, stand for the two and are that name.
_RESERVED, _INSIDE, _UNKNOWN_PIECE = "\u2581\u2585", "\ufdd0\ufdd1", "\ufdd2"
_HIDE, _SHOW = str.maketrans(_RESERVED, _INSIDE), str.maketrans(_INSIDE, _RESERVED)


class PieceTokens(Tokens):
    """Sentencepieces (a unigram model); its unknown piece is a token like any other."""

    kind: ClassVar[str] = "pieces"

    def __init__(self, model: bytes) -> None:
        self.model = model
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    @property
    def size(self) -> int:
        return int(self._processor.get_piece_size()) + 1

    def encode(self, text: str) -> list[int]:
        return [piece + 1 for piece in self._processor.encode(text.translate(_HIDE))]

    def decode(self, numbers: Iterable[int]) -> str:
        pieces = [n - 1 for n in numbers if n > 0 and n - 1 != self._processor.unk_id()]
        return " ".join(str(self._processor.decode(pieces)).split()).translate(_SHOW)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "model": base64.b64encode(self.model).decode()}


def least_pieces(texts: Sequence[str]) -> int:
    """Return how many pieces texts need at least: each character, the space, and the unknown piece."""
    return len(set().union(*texts) - {" "}) + 2


def learn_pieces(texts: Sequence[str], size: int) -> PieceTokens:
    """Return at most `size` sentencepieces learnt on the texts; fewer where the texts are few.

    Texts are taken as they are: SentencePiece's own rule would write other characters (NFKC), so that what is heard
    could never equal what was said.
    """
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(text.translate(_HIDE) for text in texts), model_writer=model, vocab_size=size,
        hard_vocab_limit=False, character_coverage=1.0, bos_id=-1, eos_id=-1, num_threads=1, minloglevel=2,
        normalization_rule_name="identity", max_sentence_length=_LONGEST_TEXT_BYTES, unk_piece=_UNKNOWN_PIECE,
    )  # fmt: skip
    return PieceTokens(model.getvalue())
