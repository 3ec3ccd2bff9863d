"""What a text is written in can be read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fedasr.asr.tokens import learn_pieces
from fedasr.corpora.text import canonical


@dataclass(frozen=True)
class WrittenBack:
    """Sentencepieces learnt on some texts write each of them, and nothing else in its place."""

    texts: Sequence[str]

    def check(self, folder: Path) -> None:
        texts = [canonical(text) for text in self.texts]
        pieces = learn_pieces(texts * 5, 60)
        assert [pieces.decode(pieces.encode(text)) for text in texts] == texts
