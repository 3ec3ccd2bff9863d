"""Text written without spaces between words, of which whole clauses would count as one word."""

from __future__ import annotations

import re

_CLAUSE = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{5}"  # kana, Chinese characters
    "|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]{16}"  # Thai, Lao, Burmese, Khmer
)
"""So many letters of these scripts side by side are more than a word."""


def is_unspaced(text: str) -> bool:
    """Say whether a text holds words that no space divides."""
    return _CLAUSE.search(text) is not None
