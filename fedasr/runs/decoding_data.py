"""How a run's rows were decoded: its ``decoding.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DecodingData:
    """What the page tells of the decoder, which is one for all rows.

    Attributes
    ----------
    method : str
        ``"beam"`` or ``"lexicon"``.
    beam : int
        Prefixes that are followed at a time.
    drop : float
        Nats behind the best at which a prefix is dropped.
    order, words : int
        Of the n-gram and of the lexicon; None without one.
    public_sentences, more_sentences : int
        Sentences that they were learnt on: public transcripts, and those of ``decoding.text``.
    whose : str
        Whose the latter are, where they are transcripts of silos or of held-out speech; empty else.
    language_weight, word_bonus : float
        None without a lexicon.
    weighed : str
        How the two came about.
    outside : mapping of str to float
        Of ``"development"`` and ``"test"`` the share of the words of the references that are not in the lexicon.
    """

    method: str
    beam: int | None = None
    drop: float | None = None
    order: int | None = None
    words: int | None = None
    public_sentences: int = 0
    more_sentences: int = 0
    whose: str = ""
    language_weight: float | None = None
    word_bonus: float | None = None
    weighed: str = ""
    outside: Mapping[str, float] = field(default_factory=dict)
