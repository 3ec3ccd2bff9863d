"""The search for the best text of an utterance: label by label, over prefixes whose sound is scored exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fedasr.asr.decoding.lexicon import NO_WORD, ROOT, Graph
from fedasr.asr.decoding.ngram import END, Context, NGram
from fedasr.asr.heads.beam import Beam

DIGITS = 3
"""Scores that agree to so many decimals are one score, and the smaller token numbers win: the batch in which an
utterance is encoded moves its scores by less."""


@dataclass(frozen=True)
class Balance:
    """How sound and language are weighed: ``sound + language_weight · language + word_bonus · words``, in nats."""

    language: float = 0.0
    word_bonus: float = 0.0


@dataclass(frozen=True)
class Pruning:
    """What a search follows.

    Attributes
    ----------
    width : int
        At most so many prefixes of each length.
    drop : float
        Prefixes that score so many nats less than the best text or prefix are dropped.
    """

    width: int
    drop: float


@dataclass(frozen=True)
class Text:
    """A whole text and its parts of score, in nats.

    Attributes
    ----------
    labels : tuple of int
        Its tokens.
    words : tuple of int
        Its words, where there is a lexicon.
    sound, language : float
        Log-probabilities: of the tokens given the speech, of the words and the end by the n-gram.
    """

    labels: tuple[int, ...]
    words: tuple[int, ...]
    sound: float
    language: float

    def score(self, balance: Balance) -> float:
        """Return the whole score."""
        return self.sound + balance.language * self.language + balance.word_bonus * len(self.words)

    def rank(self, balance: Balance) -> tuple[float, tuple[int, ...]]:
        """Return what texts are sorted by, the best first."""
        return -round(self.score(balance), DIGITS), self.labels


@dataclass(frozen=True)
class _Prefix:
    """What has been said: tokens, whole words, where in the graph and in the n-gram it stands."""

    labels: tuple[int, ...]
    words: tuple[int, ...]
    node: int
    state: Context
    language: float

    def ended(self, graph: Graph, ngram: NGram | None) -> _Prefix:
        """Return the prefix with the word that ends here."""
        word = int(graph.words_N[self.node])
        if word == NO_WORD or ngram is None:
            return self
        language = self.language + ngram.log_probability(self.state, word)
        return _Prefix(self.labels, (*self.words, word), graph.following, ngram.after(self.state, word), language)


def search(
    beam: Beam, graph: Graph, ngram: NGram | None, balance: Balance, pruning: Pruning, longest: int, size: int = 1
) -> list[Text]:
    """Return up to `size` texts, the best first; none where the model is broken (NaN).

    All prefixes of one length are followed at a time. How probable the sound makes a prefix is the sum over all
    alignments and all that may follow, so no text that begins with it is more probable; the n-gram is asked for a
    word once it has ended. With a wide enough beam and nothing dropped the list is exact.

    Parameters
    ----------
    beam : Beam
        The empty prefix.
    graph : Graph
    ngram : NGram or None
        With a graph of words.
    balance : Balance
    pruning : Pruning
    longest : int
        Labels of the longest text.
    size : int
    """
    prefixes, found = [_Prefix((), (), ROOT, ngram.start if ngram else (), 0.0)], list[Text]()
    for length in range(longest + 1):
        whole = [prefix.ended(graph, ngram) for prefix in prefixes]
        found = _best([*found, *_texts(prefixes, whole, beam, graph, ngram)], balance, size)
        if length == longest:
            break
        least = found[-1].score(balance) - pruning.drop if len(found) == size else -np.inf
        parents, labels, prefixes = _longer(prefixes, whole, beam.extensions().numpy(), graph, balance, pruning, least)
        if not prefixes:
            break
        beam = beam.grown(torch.from_numpy(parents), torch.from_numpy(labels))
    return found


def _texts(
    prefixes: list[_Prefix], whole: list[_Prefix], beam: Beam, graph: Graph, ngram: NGram | None
) -> Iterator[Text]:
    """Yield the prefixes in which a text may end."""
    for prefix, ended, sound in zip(prefixes, whole, beam.ends().tolist(), strict=True):
        if graph.is_final(prefix.node) and sound > -np.inf:
            language = ended.language + (ngram.log_probability(ended.state, END) if ngram else 0.0)
            yield Text(ended.labels, ended.words, sound, language)


def _best(texts: list[Text], balance: Balance, size: int) -> list[Text]:
    return sorted(texts, key=lambda text: text.rank(balance))[:size]


def _longer(
    prefixes: list[_Prefix], whole: list[_Prefix], sound_KV: NDArray[np.float64], graph: Graph, balance: Balance,
    pruning: Pruning, least: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[_Prefix]]:  # fmt: skip
    """Return the best prefixes that are a label longer: parents, labels, and themselves."""
    from_ = [(place, prefix) for place, prefix in enumerate(prefixes)]
    from_ += [(place, ended) for place, ended in enumerate(whole) if ended is not prefixes[place]]
    parents_C, sources_C, arcs_C = _arcs(from_, graph)
    labels_C, targets_C = graph.labels_A[arcs_C], graph.targets_A[arcs_C]
    said = np.array([balance.language * p.language + balance.word_bonus * len(p.words) for _, p in from_])
    begun_C = graph.ahead_N[targets_C] * balance.language + balance.word_bonus * (graph.ahead_N[targets_C] < 0)
    scores_C = sound_KV[parents_C, labels_C] + said[sources_C] + begun_C
    scores_C[~(scores_C > -np.inf)] = -np.inf  # NaN too
    least = max(least, float(scores_C.max(initial=-np.inf)) - pruning.drop)
    alive = np.flatnonzero((scores_C >= least) & (scores_C > -np.inf))
    order = np.lexsort((labels_C[alive], parents_C[alive], -np.round(scores_C[alive], DIGITS)))
    kept = alive[order[: pruning.width]]
    longer = [
        _Prefix((*p.labels, label), p.words, target, p.state, p.language)
        for p, label, target in zip(
            (from_[source][1] for source in sources_C[kept].tolist()), labels_C[kept].tolist(),
            targets_C[kept].tolist(), strict=True,
        )
    ]  # fmt: skip
    return parents_C[kept], labels_C[kept], longer


def _arcs(
    from_: list[tuple[int, _Prefix]], graph: Graph
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return all ways to go on: the parent, the source among `from_` and the arc of each."""
    nodes = np.array([prefix.node for _, prefix in from_])
    first, counts = graph.first_N1[nodes], graph.first_N1[nodes + 1] - graph.first_N1[nodes]
    sources = np.repeat(np.arange(len(from_)), counts)
    within = np.arange(len(sources)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.array([place for place, _ in from_])[sources], sources, np.repeat(first, counts) + within
