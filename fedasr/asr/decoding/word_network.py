"""Words as chains of phones, one after the other as an n-gram has it: what a search frame by frame runs through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.decoding.ngram import END, Context, NGram

START = 0
"""The node before the first word."""
NOWHERE = -1
"""Stands for the node of a word that has no pronunciation."""


@dataclass(frozen=True, eq=False)
class WordNetwork:
    """Nodes between words, and for each node the chains of phones of the word that ends in it.

    A node is what the n-gram must know of the past: its context, and the word that was the last. Paths that meet in
    one have the same future, so that the best of them is enough, and a word needs phones of its own only once a node.

    Axes: N nodes, C chains (pronunciations), S states (the phones of all chains, a chain after the other), V words.

    Attributes
    ----------
    ngram : NGram
    contexts : tuple of tuple of int
        Of each node; the start's is the first.
    words_N : ndarray of int64
        The word that ends in each node; none ends in the start.
    phones_S : ndarray of int64
    first_C, last_C : ndarray of int64
        The first and the last state of each chain.
    chains_N1 : ndarray of int64
        Where the chains of each node begin, and the last one's end; the start has none, every other one or more.
    """

    ngram: NGram
    contexts: tuple[Context, ...]
    words_N: NDArray[np.int64]
    phones_S: NDArray[np.int64]
    first_C: NDArray[np.int64]
    last_C: NDArray[np.int64]
    chains_N1: NDArray[np.int64]

    @cached_property
    def node_C(self) -> NDArray[np.int64]:  # noqa: N802
        """The node in which each chain ends."""
        return np.repeat(np.arange(len(self.contexts)), np.diff(self.chains_N1))

    def followers(self, node: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the log-probability of each word after a node, and the node that it ends in, both of shape (words,).

        The node of a word that cannot be said is `NOWHERE`.
        """
        if node not in self._followers:
            context = self.contexts[node]
            self._followers[node] = self.ngram.log_probabilities(context), self._after(context)
        return self._followers[node]

    def end(self, node: int) -> float:
        """Return the log-probability that the sentence ends in a node."""
        return self.ngram.log_probability(self.contexts[node], END)

    def _after(self, context: Context) -> NDArray[np.int64]:
        """Return the node of each word after a context: the longest end of the history that was seen."""
        if context not in self._nodes_after:
            longest = self.ngram.order - 1
            nodes = self._after(context[1:]).copy() if context else np.full(len(self.ngram.words), NOWHERE)
            if len(context) < max(longest, 1):
                own = self._children.get(context, [])
                nodes[[word for word, _ in own]] = [node for _, node in own]
            self._nodes_after[context] = nodes
        return self._nodes_after[context]

    @cached_property
    def _children(self) -> dict[Context, list[tuple[int, int]]]:
        """Words and nodes by the part of a node's context that stands before its word."""
        found: dict[Context, list[tuple[int, int]]] = {}
        for node in range(1, len(self.contexts)):
            found.setdefault(self.contexts[node][:-1], []).append((int(self.words_N[node]), node))
        return found

    @cached_property
    def _followers(self) -> dict[int, tuple[NDArray[np.float64], NDArray[np.int64]]]:
        return {}

    @cached_property
    def _nodes_after(self) -> dict[Context, NDArray[np.int64]]:
        return {}


def word_network(ngram: NGram, pronunciations: Mapping[int, Sequence[tuple[int, ...]]]) -> WordNetwork:
    """Return the network of an n-gram's words.

    Parameters
    ----------
    ngram : NGram
    pronunciations : mapping of int to sequence of tuple of int
        Of words by number: phones of each, one at least. Words that are left out cannot be heard.
    """
    nodes: list[tuple[Context, int]] = [(ngram.start, NOWHERE)]
    if ngram.order == 1:
        nodes += [((), word) for word in sorted(pronunciations)]
    else:
        nodes += [(context, context[-1]) for context in ngram.contexts if context and context[-1] in pronunciations]
    chains = [[], *([*dict.fromkeys(map(tuple, pronunciations[word]))] for _, word in nodes[1:])]
    ways = [way for of_node in chains for way in of_node]
    lengths = np.array([len(way) for way in ways], np.int64)
    ends = np.cumsum(lengths)
    return WordNetwork(
        ngram, tuple(context for context, _ in nodes), np.array([word for _, word in nodes], np.int64),
        np.array([phone for way in ways for phone in way], np.int64), ends - lengths, ends - 1,
        np.concatenate([[0], np.cumsum([len(of_node) for of_node in chains], dtype=np.int64)]),
    )  # fmt: skip
