"""Word n-grams, learnt on text: interpolated, discounted by Witten and Bell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

END = -1
"""The end of a sentence, as a word number."""
BEGIN = -2
"""What stands before the first word; it is never predicted."""

Context = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class NGram:
    """Probabilities of words and of the end of a sentence, given the words before.

    With c the counts and N(h) how many different words were seen after a history h,
    ``p(w | h) = (c(h w) + N(h) p(w | shorter h)) / (c(h) + N(h))``; where h was not seen, the shorter history alone;
    below the single words all words and the end are equally probable (Witten and Bell 1991; interpolated as in
    Chen and Goodman 1998, section 2.5). Nothing is estimated from counts of counts, which Kneser and Ney's discounts
    need and a hundred sentences have not: it is defined on a single sentence. For every history the probabilities of
    all words and of the end sum to 1.

    Parameters
    ----------
    words : tuple of str
        The vocabulary; a word is called by its place.
    grams : tuple of ndarray of int64
        For each order from 1: what was seen, a line each, shape (seen, order + 1): the words, and how often.
    """

    words: tuple[str, ...]
    grams: tuple[NDArray[np.int64], ...]

    def __reduce__(self) -> tuple[type[NGram], tuple[tuple[str, ...], tuple[NDArray[np.int64], ...]]]:
        return NGram, (self.words, self.grams)  # without what was looked up

    @property
    def order(self) -> int:
        """The words that a probability looks at, the predicted one among them."""
        return len(self.grams)

    @property
    def start(self) -> Context:
        """The state before the first word."""
        return (BEGIN,) * (self.order > 1)

    def log_probability(self, state: Context, word: int) -> float:
        """Return the natural logarithm of the probability of a word, or of `END`, in a state."""
        key = (state, word)
        if key not in self._known:
            self._known[key] = math.log(self._probability(state, word))
        return self._known[key]

    def log_probabilities(self, state: Context) -> NDArray[np.float64]:
        """Return the log-probability of every word in a state, shape (words,)."""
        found: NDArray[np.float64] = np.log(self._probabilities(state))
        return found

    @property
    def contexts(self) -> tuple[Context, ...]:
        """The histories that something was seen after, sorted; the empty one among them."""
        return tuple(sorted(self._followers))

    def after(self, state: Context, word: int) -> Context:
        """Return the state after a word: the longest end of the history that was seen before another word."""
        context = (*state, word)[-(self.order - 1) :] if self.order > 1 else ()
        while context and context not in self._followers:
            context = context[1:]
        return context

    def sentence_log_probability(self, words: Sequence[int]) -> float:
        """Return the log-probability of a whole sentence, its end included."""
        state, total = self.start, 0.0
        for word in words:
            total += self.log_probability(state, word)
            state = self.after(state, word)
        return total + self.log_probability(state, END)

    def _probability(self, context: Context, word: int) -> float:
        shorter = self._probability(context[1:], word) if context else 1 / (len(self.words) + 1)
        followers = self._followers.get(context)
        if not followers:
            return shorter
        total, kinds = self._totals[context], len(followers)
        return (followers.get(word, 0) + kinds * shorter) / (total + kinds)

    def _probabilities(self, context: Context) -> NDArray[np.float64]:
        words = len(self.words)
        shorter_V = self._probabilities(context[1:]) if context else np.full(words, 1 / (words + 1))
        followers = self._followers.get(context)
        if not followers:
            return shorter_V
        seen_V = np.zeros(words)
        for word, count in followers.items():
            if word >= 0:
                seen_V[word] = count
        total, kinds = self._totals[context], len(followers)
        return (seen_V + kinds * shorter_V) / (total + kinds)

    @cached_property
    def _followers(self) -> dict[Context, dict[int, int]]:
        found: dict[Context, dict[int, int]] = {}
        for lines in self.grams:
            for *context, word, count in lines.tolist():
                found.setdefault(tuple(context), {})[word] = count
        return found

    @cached_property
    def _totals(self) -> dict[Context, int]:
        return {context: sum(followers.values()) for context, followers in self._followers.items()}

    @cached_property
    def _known(self) -> dict[tuple[Context, int], float]:
        return {}


def learn_ngram(sentences: Iterable[str], order: int) -> NGram:
    """Count the n-grams of sentences; empty ones teach nothing.

    Parameters
    ----------
    sentences : iterable of str
        Words divided by spaces.
    order : int
        At least 1.
    """
    texts = [words for sentence in sentences if (words := sentence.split())]
    vocabulary = tuple(sorted({word for words in texts for word in words}))
    number = {word: place for place, word in enumerate(vocabulary)}
    counts: list[Counter[Context]] = [Counter() for _ in range(order)]
    for words in texts:
        said = [BEGIN, *(number[word] for word in words), END]
        for end in range(1, len(said)):
            for length in range(1, min(order, end + 1) + 1):
                counts[length - 1][tuple(said[end - length + 1 : end + 1])] += 1
    grams = tuple(
        np.array([[*gram, seen] for gram, seen in sorted(of_length.items())], np.int64).reshape(-1, length + 1)
        for length, of_length in enumerate(counts, start=1)
    )
    return NGram(vocabulary, grams)
