"""The one form of texts and names, and the named rules by which transcripts are made of what is written."""

from fedasr.corpora.text.canonical import canonical, canonical_name, half_characters
from fedasr.corpora.text.rules import AS_READ, NORMALISED, RULES, normal_text, plain_text
from fedasr.corpora.text.unspaced import is_unspaced

__all__ = [
    "AS_READ", "NORMALISED", "RULES", "canonical", "canonical_name", "half_characters", "is_unspaced", "normal_text",
    "plain_text",
]  # fmt: skip
