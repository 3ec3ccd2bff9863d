"""What a recogniser would say next after a given prefix, having heard the whole utterance.

Label-synchronous voting asks every teacher for the next label of one shared prefix, so that an
utterance costs a vote for each label and one for the end, and none for blanks. A label is scored by
the probability of all transcriptions that begin with the prefix and that label, the end by the
probability of the prefix alone; their sum is the probability of the prefix.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from fedasr.asr.decoding.greedy import decoding_batches
from fedasr.asr.heads.head import Forward
from fedasr.asr.heads.prefix_ctc import IMPOSSIBLE
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.tokens import BLANK
from fedasr.common.errors import RowError


class PrefixScorer:
    """Scores the next label of a growing prefix, for a batch of utterances at once.

    The columns of every score are the token numbers, the blank (0) always impossible, and the end
    behind them (``end``, which is the number of tokens).

    Parameters
    ----------
    forward : Forward
        The variables of the prefix.
    tokens : int
        Tokens, the blank among them.
    finished_B : Tensor of bool or None
        Utterances that are said to their end; None for none.
    """

    def __init__(self, forward: Forward, tokens: int, finished_B: Tensor | None = None) -> None:
        self.end = tokens
        self._forward = forward
        self.finished_B = torch.zeros_like(forward.lengths_B, dtype=torch.bool) if finished_B is None else finished_B

    @torch.no_grad()
    def joint_log_probabilities(self) -> Tensor:
        """Return ``log P(prefix, label, …)`` and, last, ``log P(prefix alone)``, shape (batch, tokens + 1).

        Everything is impossible where the utterance is finished (or the model's numbers are not).
        """
        scores_BV1 = torch.cat([self._forward.extensions(), self._forward.ends()[:, None]], 1)
        return scores_BV1.masked_fill(self.finished_B[:, None] | scores_BV1.isnan(), IMPOSSIBLE)

    @torch.no_grad()
    def end_log_probabilities(self) -> Tensor:
        """Return ``log P(prefix alone)``, shape (batch,); impossible where the utterance is finished."""
        ends_B = self._forward.ends()
        return ends_B.masked_fill(self.finished_B | ends_B.isnan(), IMPOSSIBLE)

    def next_log_probabilities(self) -> Tensor:
        """Return the log-probabilities of the next label or the end, given the prefix.

        The shape is (batch, tokens + 1). Where the prefix itself is impossible (noise may choose what no
        alignment fits) and where the utterance is finished, the end is certain.
        """
        joint_BV1 = self.joint_log_probabilities()
        total_B1 = joint_BV1.logsumexp(1, keepdim=True)
        certain_V1 = joint_BV1.new_full((self.end + 1,), IMPOSSIBLE)
        certain_V1[self.end] = 0
        return torch.where(total_B1.isfinite(), joint_BV1 - total_B1, certain_V1)

    @torch.no_grad()
    def append(self, labels_B: Tensor) -> None:
        """Append a label to each utterance's prefix; ``end`` finishes it. Finished ones stay as they are.

        Raises
        ------
        ValueError
            Where an unfinished utterance is given the blank or a number that is no token.
        """
        labels_B = labels_B.to(self.finished_B.device)
        if bool((~self.finished_B & ((labels_B <= BLANK) | (labels_B > self.end))).any()):
            raise ValueError(f"labels to append must be 1 to {self.end - 1}, or {self.end} for the end")
        self.finished_B = self.finished_B | (labels_B == self.end)
        if not bool(self.finished_B.all()):
            self._forward = self._forward.append(labels_B.masked_fill(self.finished_B, BLANK))

    @torch.no_grad()
    def select(self, rows_R: Tensor) -> PrefixScorer:
        """Return a scorer of some utterances, in the order asked for; one may come twice."""
        return PrefixScorer(self._forward.select(rows_R), self.end, self.finished_B[rows_R])


@torch.no_grad()
def prefix_scorer(recogniser: Recogniser, features_BTF: Tensor, lengths_B: Tensor) -> PrefixScorer:
    """Return a scorer of the empty prefix; the utterances are encoded here, once.

    A joint recogniser is scored by its transducer, which is also what it transcribes with. A scorer holds
    a few arrays of shape (batch, frames, tokens), with a transducer also (batch, frames, units).

    Parameters
    ----------
    recogniser : Recogniser
    features_BTF : Tensor
        Stacked features, padded at the end, as in `fedasr.asr.batch.Batch`.
    lengths_B : Tensor of int64
        Frames of each utterance; one without frames has nothing to say.

    Raises
    ------
    RowError
        Where the head scores no prefixes.
    """
    lengths_B = lengths_B.to(recogniser.device)
    return scorer_of(recogniser, recogniser.head.prefix(encoded(recogniser, features_BTF, lengths_B), lengths_B))


def scorer_of(recogniser: Recogniser, forward: Forward | None) -> PrefixScorer:
    """Return a scorer of the empty prefix, whose forward variables are these.

    Raises
    ------
    RowError
        Where there are none.
    """
    if forward is None:
        raise RowError(f"the head '{recogniser.spec.head}' scores no beginnings of transcripts; set model.head = 'ctc'")
    return PrefixScorer(forward, recogniser.tokens.size)


@torch.no_grad()
def encoded(recogniser: Recogniser, features_BTF: Tensor, lengths_B: Tensor) -> Tensor:
    """Return the encodings of many utterances, shape (batch, frames, outputs), zeros on the padding.

    They are encoded in batches of like length: a batch of two hundred would leave the processor's cache at every
    frame, and is mostly padding.
    """
    features_BTF, lengths_B = features_BTF.to(recogniser.device), lengths_B.to(recogniser.device)
    frames = max(features_BTF.shape[1], 1)
    shape = (len(lengths_B), frames, recogniser.encoder.outputs)
    encodings_BTF = features_BTF.new_zeros(shape, dtype=recogniser.encoding_type)
    for rows in decoding_batches(lengths_B.tolist()):
        longest = max(int(lengths_B[rows].max()), 1)
        spoken = functional.pad(features_BTF[rows, :longest], (0, 0, 0, max(longest - features_BTF.shape[1], 0)))
        encodings_BTF[rows, :longest] = recogniser.encode(spoken, lengths_B[rows])
    return encodings_BTF
