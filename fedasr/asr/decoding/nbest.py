"""Lists of whole hypotheses, and how probable a recogniser finds each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.decoding.prefix import PrefixScorer, prefix_scorer
from fedasr.asr.heads.prefix_ctc import IMPOSSIBLE
from fedasr.asr.heads.transducer import TOKENS_A_FRAME
from fedasr.asr.recogniser import Recogniser


@dataclass(frozen=True)
class Hypothesis:
    """A transcription and the natural logarithm of its probability, over all alignments.

    Attributes
    ----------
    labels : tuple of int
        Token numbers.
    log_probability : float
    """

    labels: tuple[int, ...]
    log_probability: float


def nbest(
    recogniser: Recogniser, features_BTF: Tensor, lengths_B: Tensor, size: int, beam: int,
    most_labels: int | None = None,
) -> list[list[Hypothesis]]:  # fmt: skip
    """Return up to `size` transcriptions of each utterance, the most probable first.

    A search over prefixes, all of one length at a time: a prefix is as good as all that begins with it, so
    that it is dropped without loss once `size` whole hypotheses are better. What the beam does not hold
    is lost; with a wide enough beam the list is exact. No transcription has more labels than greedy
    decoding could emit.

    Parameters
    ----------
    recogniser : Recogniser
        A joint one hears with its transducer.
    features_BTF, lengths_B : Tensor
        As in `fedasr.asr.batch.Batch`.
    size : int
        Hypotheses wanted; there are fewer where fewer are possible, and none where the model is broken (NaN).
    beam : int
        Prefixes of each length that are followed.
    most_labels : int, optional
        No hypothesis is longer: a model that has learnt little finds no end to its prefixes.
    """
    scorer = prefix_scorer(recogniser, features_BTF, lengths_B)
    histories: list[list[tuple[int, ...]]] = [[()] for _ in lengths_B]
    found: list[list[Hypothesis]] = [[] for _ in lengths_B]
    longest = TOKENS_A_FRAME * features_BTF.shape[1]
    for _ in range(min(longest, longest if most_labels is None else most_labels) + 1):
        joint_BKV1 = scorer.joint_log_probabilities().reshape(len(found), -1, scorer.end + 1)
        _collect(found, histories, joint_BKV1[..., -1].tolist(), size)
        worst = [heard[size - 1].log_probability if len(heard) >= size else IMPOSSIBLE for heard in found]
        scores_BK, parents_BK, labels_BK = _best_extensions(joint_BKV1[..., :-1], beam)
        alive_BK = scores_BK > scores_BK.new_tensor(worst)[:, None]
        if not bool(alive_BK.any()):
            break
        scorer = _follow(scorer, parents_BK, labels_BK, alive_BK, joint_BKV1.shape[1])
        histories = [
            [history[parent] + (label,) for parent, label in zip(parents, labels, strict=True)]
            for history, parents, labels in zip(histories, parents_BK.tolist(), labels_BK.tolist(), strict=True)
        ]
    return found


def sequence_log_probabilities(
    recogniser: Recogniser, features_BTF: Tensor, lengths_B: Tensor, candidates: Sequence[Sequence[Sequence[int]]]
) -> list[NDArray[np.float32]]:
    """Return the log-probability of each candidate of each utterance, over all its alignments.

    Parameters
    ----------
    recogniser : Recogniser
        A joint one scores with its transducer.
    features_BTF, lengths_B : Tensor
        As in `fedasr.asr.batch.Batch`; encoded once.
    candidates : sequence of sequences of token numbers
        Of each utterance; the numbers of candidates may differ. One that fits no alignment scores -inf.
    """
    return scored_by(prefix_scorer(recogniser, features_BTF, lengths_B), candidates)


def scored_by(scorer: PrefixScorer, candidates: Sequence[Sequence[Sequence[int]]]) -> list[NDArray[np.float32]]:
    """Return what `sequence_log_probabilities` does, by the scorer of the empty prefix of each utterance."""
    results = [np.full(len(of_utterance), IMPOSSIBLE, np.float32) for of_utterance in candidates]
    for place in range(max(map(len, candidates), default=0)):
        rows = [row for row, of_utterance in enumerate(candidates) if place < len(of_utterance)]
        chosen = scorer.select(torch.tensor(rows, device=scorer.finished_B.device))
        scores = _score(chosen, [candidates[row][place] for row in rows])
        for row, score in zip(rows, scores, strict=True):
            results[row][place] = score
    return results


def _score(scorer: PrefixScorer, sequences: Sequence[Sequence[int]]) -> list[float]:
    """Return the log-probability of one sequence an utterance; the scorer is used up."""
    scores_B = torch.full_like(scorer.end_log_probabilities(), IMPOSSIBLE)
    lengths_B = torch.tensor([len(sequence) for sequence in sequences], device=scores_B.device)
    for said in range(int(lengths_B.max()) + 1):
        scores_B = torch.where(lengths_B == said, scorer.end_log_probabilities(), scores_B)
        scorer.append(torch.tensor([sequence[said] if said < len(sequence) else scorer.end for sequence in sequences]))
    result: list[float] = scores_B.tolist()
    return result


def _collect(
    found: list[list[Hypothesis]], histories: Sequence[Sequence[tuple[int, ...]]], ends: list[list[float]], size: int
) -> None:
    """Put the prefixes, as whole hypotheses, among the best of each utterance."""
    for heard, history, scores in zip(found, histories, ends, strict=True):
        heard += [Hypothesis(*pair) for pair in zip(history, scores, strict=True) if pair[1] > IMPOSSIBLE]
        heard.sort(key=lambda hypothesis: (-hypothesis.log_probability, hypothesis.labels))
        del heard[size:]


def _best_extensions(scores_BKV: Tensor, beam: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return score, parent and label of the best prefixes that are one label longer."""
    tokens = scores_BKV.shape[2]
    flat_BN = scores_BKV.flatten(1)
    scores_BK, places_BK = flat_BN.topk(min(beam, flat_BN.shape[1]))
    return scores_BK, places_BK // tokens, places_BK % tokens


def _follow(scorer: PrefixScorer, parents_BK: Tensor, labels_BK: Tensor, alive_BK: Tensor, width: int) -> PrefixScorer:
    """Return the scorer of the longer prefixes; those that are dropped count as finished."""
    first_B1 = torch.arange(len(parents_BK), device=parents_BK.device)[:, None] * width
    longer = scorer.select((first_B1 + parents_BK).flatten())
    longer.append(labels_BK.masked_fill(~alive_BK, scorer.end).flatten())
    return longer
