"""Forced alignment: which phone of its transcript each frame of an utterance is, as a CTC model hears it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.tokens import BLANK
from fedasr.common.errors import UserError

REACH_FRAMES = 3
"""A phone sounds at most so many frames beyond those in which CTC emits it; further off is silence. CTC's peaks stand
within their phones and are shorter (Raissi et al. 2024, arXiv 2406.02560)."""


@torch.inference_mode()
def forced_labels(recogniser: Recogniser, batch: Batch, transcripts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the token number of each frame of each utterance; `BLANK` is silence.

    By the most probable path of CTC through the transcript (`torchaudio.functional.forced_align`), the frames of a
    blank between two tokens divided among them. A transcript of more tokens than its utterance has frames, or none, is
    spread evenly.

    Parameters
    ----------
    recogniser : Recogniser
        With a head of CTC.
    batch : Batch
    transcripts : sequence of sequences of int
        Token numbers of each utterance.

    Raises
    ------
    UserError
        Where the head scores no frames by CTC, or there is no torchaudio.
    """
    batch = batch.to(recogniser.device)
    scores_BTV = None
    if not recogniser.head.is_aligned:
        scores_BTV = recogniser.head.frame_scores(recogniser.encode(batch.features_BTF, batch.lengths_B))
    if scores_BTV is None:
        raise UserError(f"the head '{recogniser.spec.head}' aligns nothing; take a model with head = 'ctc'")
    return [
        _labels(scores_TV[:frames], list(tokens))
        for scores_TV, frames, tokens in zip(scores_BTV.cpu(), batch.lengths_B.tolist(), transcripts, strict=True)
    ]


def _labels(scores_TV: Tensor, tokens: list[int]) -> list[int]:
    frames = len(scores_TV)
    repeats = sum(token == following for token, following in itertools.pairwise(tokens))
    if not tokens or len(tokens) + repeats > frames:
        return [tokens[frame * len(tokens) // frames] if tokens else BLANK for frame in range(frames)]
    path_T = _path(scores_TV, tokens)
    bounds = _spans(path_T)
    labels = [BLANK] * frames
    for place, (token, start, stop) in enumerate(bounds):
        before = bounds[place - 1][2] if place else -frames
        after = bounds[place + 1][1] if place + 1 < len(bounds) else 2 * frames
        first = max(start - REACH_FRAMES, (before + start + 1) // 2, 0)
        last = min(stop + REACH_FRAMES, (stop + after + 1) // 2, frames)
        labels[first:last] = [token] * (last - first)
    return labels


def _spans(path: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the tokens of a path, each with the frames from which and before which it is emitted."""
    spans: list[tuple[int, int, int]] = []
    previous = BLANK
    for frame, token in enumerate(path):
        if token != BLANK and token == previous:
            spans[-1] = (token, spans[-1][1], frame + 1)
        elif token != BLANK:
            spans.append((token, frame, frame + 1))
        previous = token
    return spans


def _path(scores_TV: Tensor, tokens: list[int]) -> list[int]:
    try:
        from torchaudio.functional import forced_align
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"forced alignment is torchaudio's, which cannot be imported here ({reason}); install torch<2.12 together "
            "with torchaudio"
        ) from error
    path_1T, _ = forced_align(scores_TV[None].float(), torch.tensor([tokens], dtype=torch.int32), blank=BLANK)
    found: list[int] = path_1T[0].tolist()
    return found
