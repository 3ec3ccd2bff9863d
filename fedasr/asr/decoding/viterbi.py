"""Viterbi search: the best sequence of words of an utterance whose frames have scores of phones."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.decoding.search import Balance, Pruning, Text
from fedasr.asr.decoding.word_network import NOWHERE, START, WordNetwork
from fedasr.asr.tokens import BLANK

SOUND = 0.3
"""What a nat of a frame's score counts: the frames of one phone say one thing several times."""
STEP = 2.0**-10
"""Scores are whole multiples of it, so that sums of them are exact and equal ones are equal: the batch in which an
utterance is encoded moves its scores by less."""
ROOT = 0
"""The record of no word."""


@dataclass
class _Records:
    """Words that have ended on paths, each with the record of the word before it."""

    before: list[NDArray[np.int64]] = field(default_factory=lambda: [np.array([ROOT])])
    words: list[NDArray[np.int64]] = field(default_factory=lambda: [np.array([NOWHERE])])
    count: int = 1

    def add(self, before_K: NDArray[np.int64], words_K: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of new records."""
        self.before.append(before_K)
        self.words.append(words_K)
        self.count += len(words_K)
        return np.arange(self.count - len(words_K), self.count)

    def words_of(self, record: int) -> tuple[int, ...]:
        """Return the words of a path, in order."""
        before, words, found = np.concatenate(self.before), np.concatenate(self.words), []
        while record != ROOT:
            found.append(int(words[record]))
            record = int(before[record])
        return tuple(found[::-1])


@dataclass
class _Paths:
    """The best path to each state of the phones, and to the silence behind each node: its score and its record."""

    scores_S: NDArray[np.float64]
    records_S: NDArray[np.int64]
    silence_N: NDArray[np.float64]
    silence_records_N: NDArray[np.int64]


@dataclass
class _Ended:
    """The nodes that are followed: those in which the best paths stand between two words."""

    nodes_K: NDArray[np.int64]
    scores_K: NDArray[np.float64]
    records_K: NDArray[np.int64]


def best_text(
    scores_TV: NDArray[np.floating], network: WordNetwork, balance: Balance, pruning: Pruning
) -> Text | None:  # fmt: skip
    """Return the words of the best path through an utterance; None where no path is there or the model is broken.

    A path is a word after the other, each phone of a pronunciation in one frame or more, with silence between words,
    before and behind them where it likes. It scores `SOUND` times its frames' scores, and beside them language as
    `fedasr.asr.decoding.search.Balance` weighs it. Of each frame at most ``pruning.width`` nodes between words are
    followed, none that is ``pruning.drop`` below the frame's best; phones are never pruned. With a wide enough beam
    it is exact.

    Parameters
    ----------
    scores_TV : ndarray, shape (frames, phones)
        Log-probabilities; silence is the first.
    network : WordNetwork
    balance : Balance
    pruning : Pruning
    """
    if not len(network.phones_S) or np.isnan(scores_TV).any():
        return None
    records, states, nodes = _Records(), len(network.phones_S), len(network.contexts)
    paths = _Paths(
        np.full(states, -np.inf), np.zeros(states, np.int64), np.full(nodes, -np.inf), np.zeros(nodes, np.int64)
    )
    ended = _Ended(np.array([START]), np.zeros(1), np.array([ROOT]))
    for scores_V in _on_grid(SOUND * scores_TV.astype(np.float64)):
        entered_N, entered_records_N = _entered(ended, network, balance)
        _stay_silent(paths, ended, scores_V[BLANK])
        _go_on(paths, entered_N, entered_records_N, scores_V, network)
        ended = _ended(paths, network, pruning, records)
    return _best_end(ended, network, balance, records)


def _on_grid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = np.round(scores / STEP) * STEP
    return rounded


def _entered(
    ended: _Ended, network: WordNetwork, balance: Balance
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """Return the best way to begin the word of each node, and its record."""
    rows = [network.followers(node) for node in ended.nodes_K.tolist()]
    entered_N, records_N = np.full(len(network.contexts), -np.inf), np.zeros(len(network.contexts), np.int64)
    if not rows:
        return entered_N, records_N
    language_KV, nodes_KV = (np.stack(part) for part in zip(*rows, strict=True))
    said_KV = _on_grid(balance.language * language_KV + balance.word_bonus)
    can_be_KV = nodes_KV != NOWHERE
    nodes_A, scores_A = nodes_KV[can_be_KV], (ended.scores_K[:, None] + said_KV)[can_be_KV]
    np.maximum.at(entered_N, nodes_A, scores_A)
    is_best_A = scores_A == entered_N[nodes_A]
    records_A = np.broadcast_to(ended.records_K[:, None], nodes_KV.shape)[can_be_KV]
    records_N[nodes_A[is_best_A][::-1]] = records_A[is_best_A][::-1]  # of equal ones the first
    return entered_N, records_N


def _stay_silent(paths: _Paths, ended: _Ended, score: float) -> None:
    better_K = ended.scores_K > paths.silence_N[ended.nodes_K]
    nodes_K = ended.nodes_K[better_K]
    paths.silence_N[nodes_K] = ended.scores_K[better_K]
    paths.silence_records_N[nodes_K] = ended.records_K[better_K]
    paths.silence_N += score


def _go_on(
    paths: _Paths, entered_N: NDArray[np.float64], records_N: NDArray[np.int64], scores_V: NDArray[np.float64],
    network: WordNetwork,
) -> None:  # fmt: skip
    """Take every state one frame on: from itself or from the phone before."""
    before_S, before_records_S = np.roll(paths.scores_S, 1), np.roll(paths.records_S, 1)
    before_S[network.first_C] = entered_N[network.node_C]
    before_records_S[network.first_C] = records_N[network.node_C]
    moves_S = before_S > paths.scores_S
    np.copyto(paths.scores_S, before_S, where=moves_S)
    np.copyto(paths.records_S, before_records_S, where=moves_S)
    paths.scores_S += scores_V[network.phones_S]


def _ended(paths: _Paths, network: WordNetwork, pruning: Pruning, records: _Records) -> _Ended:
    """Return the best nodes, in which a word ends in this frame or silence follows one."""
    ends_C = paths.scores_S[network.last_C]
    ends_N = np.concatenate([[-np.inf], np.maximum.reduceat(ends_C, network.chains_N1[1:-1])])
    scores_N = np.maximum(ends_N, paths.silence_N)
    nodes_K = np.flatnonzero((scores_N > -np.inf) & (scores_N >= scores_N.max() - pruning.drop))
    if len(nodes_K) > pruning.width:
        nodes_K = np.sort(nodes_K[np.argsort(-scores_N[nodes_K], kind="stable")[: pruning.width]])
    records_K = paths.silence_records_N[nodes_K]
    is_word_K = ends_N[nodes_K] > paths.silence_N[nodes_K]
    words_K = nodes_K[is_word_K]
    chains_K = _best_chains(ends_C, ends_N, words_K, network)
    records_K[is_word_K] = records.add(paths.records_S[network.last_C[chains_K]], network.words_N[words_K])
    return _Ended(nodes_K, scores_N[nodes_K], records_K)


def _best_chains(
    ends_C: NDArray[np.float64], ends_N: NDArray[np.float64], nodes_K: NDArray[np.int64], network: WordNetwork
) -> NDArray[np.int64]:
    """Return the first of the best chains of each node."""
    sizes_K = network.chains_N1[nodes_K + 1] - network.chains_N1[nodes_K]
    within = np.arange(sizes_K.sum()) - np.repeat(np.cumsum(sizes_K) - sizes_K, sizes_K)
    chains_A = np.repeat(network.chains_N1[nodes_K], sizes_K) + within
    best_A = chains_A[ends_C[chains_A] == ends_N[network.node_C[chains_A]]]
    first_K: NDArray[np.int64] = best_A[np.unique(network.node_C[best_A], return_index=True)[1]]
    return first_K


def _best_end(ended: _Ended, network: WordNetwork, balance: Balance, records: _Records) -> Text | None:
    ends_K = np.array([network.end(node) for node in ended.nodes_K.tolist()], np.float64)
    scores_K = ended.scores_K + _on_grid(balance.language * ends_K)
    if not len(scores_K):
        return None
    best = int(scores_K.argmax())
    words = records.words_of(int(ended.records_K[best]))
    language = network.ngram.sentence_log_probability(words)
    sound = float(scores_K[best]) - balance.language * language - balance.word_bonus * len(words)
    return Text((), words, sound, language)
