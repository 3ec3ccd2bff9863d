"""What may be said, as a graph over tokens: anything, or words of a lexicon as a trie of their spellings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.tokens import BLANK, Tokens

NO_WORD = -1
ROOT = 0


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and arcs, an arc a token; the arcs of a node stand side by side, by token number.

    A text ends in the root, which is the empty text, or in a node where a word ends. There a word may also be
    followed by another: the arcs of the node `following` are a word's end's, too.

    Attributes
    ----------
    first_N1 : ndarray of int64
        Where the arcs of each node begin, and the last one's end.
    labels_A, targets_A : ndarray of int64
        Of each arc its token and the node that it leads to.
    words_N : ndarray of int64
        The word that ends in each node; `NO_WORD` where none does.
    following : int
        The node whose arcs begin another word (with what divides words, if anything does).
    ahead_N : ndarray of float64
        The log-probability of the most probable word that can still end from here, whatever stands before it; 0 where
        no word is begun. It orders the prefixes of a search, and is in no final score.
    """

    first_N1: NDArray[np.int64]
    labels_A: NDArray[np.int64]
    targets_A: NDArray[np.int64]
    words_N: NDArray[np.int64]
    following: int
    ahead_N: NDArray[np.float64]

    @property
    def has_words(self) -> bool:
        """Whether it is a lexicon's."""
        return len(self.words_N) > 1

    def is_final(self, node: int) -> bool:
        """Say whether a text may end in a node."""
        return node == ROOT or bool(self.words_N[node] != NO_WORD)


def anything(tokens: int) -> Graph:
    """Return the graph of one node in which every text of so many tokens, the blank among them, may be said."""
    labels = np.arange(BLANK + 1, tokens)
    return Graph(
        np.array([0, len(labels)]), labels, np.zeros_like(labels), np.array([NO_WORD]), ROOT, np.zeros(1)
    )  # fmt: skip


def spellings(words: Iterable[str], tokens: Tokens) -> dict[str, tuple[int, ...]]:
    """Return how each word is spelt in tokens; words that they cannot write are left out."""
    return {word: tuple(tokens.encode(word)) for word in words if tokens.can_write(word)}


def divider(tokens: Tokens) -> tuple[int, ...]:
    """Return the tokens that divide words: a space where tokens are characters, none where they hold it already."""
    return tuple(tokens.encode_if_known(" ")) if tokens.kind == "characters" else ()


def trie(
    spelt: Mapping[int, tuple[int, ...]], divided_by: tuple[int, ...], log_probabilities: Mapping[int, float]
) -> Graph:
    """Return the graph of sequences of words.

    Parameters
    ----------
    spelt : mapping of int to tuple of int
        The spelling of each word, at least one token, no two alike.
    divided_by : tuple of int
        The tokens between two words.
    log_probabilities : mapping of int to float
        Of each word by itself, for `Graph.ahead_N`.
    """
    children: list[dict[int, int]] = [{}]
    words, ahead = [NO_WORD], [0.0]
    for word, tokens in spelt.items():
        node = ROOT
        for token in tokens:
            if token not in children[node]:
                children[node][token] = len(children)
                children.append({})
                words.append(NO_WORD)
                ahead.append(-np.inf)
            node = children[node][token]
            ahead[node] = max(ahead[node], log_probabilities[word])
        words[node] = word
    between = len(children)  # as the root, but that no text ends here
    children.append(children[ROOT])
    for token in reversed(divided_by):
        children.append({token: len(children) - 1})
    words += [NO_WORD] * (len(children) - between)
    ahead += [0.0] * (len(children) - between)
    return _graph(children, words, ahead)


def _graph(children: list[dict[int, int]], words: list[int], ahead: list[float]) -> Graph:
    sizes = [len(arcs) for arcs in children]
    arcs = [arc for of_node in children for arc in sorted(of_node.items())]
    both = np.array(arcs, np.int64).reshape(-1, 2)
    return Graph(
        np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]), both[:, 0], both[:, 1], np.array(words, np.int64),
        len(children) - 1, np.array(ahead),
    )  # fmt: skip
