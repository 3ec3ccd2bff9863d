"""How what was heard is turned into text: the settings of ``[decoding]``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from fedasr.common.settings import Mistake, Settings, number, one_of

GREEDY, BEAM, LEXICON = "greedy", "beam", "lexicon"
SILOS = "silos"
"""The value of `DecodingSpec.text` by which the transcripts that silos train on join the public ones."""


@dataclass(frozen=True)
class DecodingSpec(Settings):
    """How every row is decoded; beside it every row is decoded greedily.

    Parameters
    ----------
    method : str
        ``"greedy"``: the most probable token at a time. ``"beam"``: the most probable text, over all its alignments.
        ``"lexicon"``: the same among sequences of known words, with a word n-gram beside the sound. Words and n-gram
        are learnt on the transcripts of labelled public speech, and on `text`. A head of frames is searched by Viterbi:
        the most probable words and times of their phones; for it the beam is of nodes between words in each frame.
    text : str
        More text: the path of a file of sentences, one a line; or ``"silos"``, the transcripts that silos train on.
        Text of silos or of held-out speakers is refused beside a row with an ε, and named on the page elsewhere.
    pronunciations : str
        Phones only: the path of a pronunciation dictionary in the format of CMUdict, ``WORD  P1 P2 …``; without it
        words are said as espeak-ng says them.
    order : int
        Words that the n-gram looks at, the one it predicts among them.
    beam : int
        Prefixes that are followed at a time.
    drop : float
        Prefixes that score so many nats less than the best are dropped.
    language_weight : float, optional
        What a nat of the n-gram counts, beside one of the sound. Left out, it and `word_bonus` are chosen from one
        small grid on the development speakers, by what the start hears: once, for all rows.
    word_bonus : float, optional
        Nats for every word.
    """

    method: str = one_of(GREEDY, GREEDY, BEAM, LEXICON)
    text: str = ""
    pronunciations: str = ""
    order: int = number(3, least=1, most=6)
    beam: int = number(32, least=1)
    drop: float = number(10.0, above=0, below=math.inf)
    language_weight: float | None = number(None, least=0, below=math.inf)
    word_bonus: float | None = number(None, least=-20, most=20)

    @property
    def is_greedy(self) -> bool:
        """Whether nothing is decoded but greedily."""
        return self.method == GREEDY

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what takes no effect, and one weight without the other."""
        if self.is_greedy:
            yield from self.without_effect("beam", "drop", unless="method = 'beam' or 'lexicon'")
        if self.method != LEXICON:
            yield from self.without_effect(
                "text", "order", "language_weight", "word_bonus", unless="method = 'lexicon'"
            )  # fmt: skip
        elif (self.language_weight is None) != (self.word_bonus is None):
            keys = ("language_weight", "word_bonus")
            yield Mistake("{0} and {1} are chosen together; set both, or neither", keys)
