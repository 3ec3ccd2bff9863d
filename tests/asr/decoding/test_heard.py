"""What is heard in half precision: the head says of it what it says of the encodings, but for the rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.toy_recognisers import TOKENS, features, recogniser
from torch import Tensor

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.heard import heard, unpacked
from fedasr.asr.decoding.prefix import PrefixScorer, prefix_scorer
from fedasr.asr.heads.ctc import CTCHead
from fedasr.asr.heads.head import Forward
from fedasr.asr.recogniser import Recogniser

HEADS = ["ctc", "transducer", "joint"]
HALF = 2.0**-11
"""Unit roundoff of float16."""
BATCH = make_batch(features(31, 12, 1, 44))
LABELS = torch.tensor([[1, 2, 1, 3], [2, TOKENS.size, 1, 3]])


def _said(scorer: PrefixScorer) -> list[Tensor]:
    found = [scorer.next_log_probabilities()]
    for labels in LABELS:
        scorer.append(labels)
        found.append(scorer.next_log_probabilities())
    return found


@pytest.mark.parametrize("head", HEADS)
def test_what_is_kept_and_unpacked_says_the_same_to_the_bit(head: str) -> None:
    model = recogniser(head=head)
    made = heard(model, BATCH.features_BTF, BATCH.lengths_B)
    again = unpacked(made.packed(), made.lengths_B, made.are_scores)
    assert made.values_BTX.dtype == torch.float16
    for one, other in zip(_said(made.prefix_scorer(model)), _said(again.prefix_scorer(model)), strict=True):
        assert torch.equal(one, other)
    if head != "transducer":
        assert torch.equal(made.frame_scores(model), again.frame_scores(model))


@pytest.mark.parametrize("head", HEADS)
def test_it_says_what_the_encodings_say_but_for_the_rounding(head: str) -> None:
    """A frame's log-probabilities move by their rounding; a score of a prefix by at most their sum over the frames."""
    model, frames = recogniser(head=head), int(BATCH.lengths_B.max())
    made = heard(model, BATCH.features_BTF, BATCH.lengths_B)
    exact = _said(prefix_scorer(model, BATCH.features_BTF, BATCH.lengths_B))
    for one, other in zip(_said(made.prefix_scorer(model)), exact, strict=True):
        finite = other.isfinite()
        assert torch.equal(one.isfinite(), finite)
        # Encodings of at most one, through layers whose gains are below four: some thirty roundings a frame.
        np.testing.assert_allclose(one[finite], other[finite], atol=30 * HALF * frames)


def test_frames_of_ctc_are_kept_where_they_are_not_more_than_the_encodings() -> None:
    made = heard(recogniser(), BATCH.features_BTF, BATCH.lengths_B)
    assert made.are_scores
    assert made.packed().shape == (int(BATCH.lengths_B.sum()), TOKENS.size)
    small = Recogniser(recogniser().spec, type(TOKENS)(" abcdefghijklmnopqrstuvwxyz"))
    assert not heard(small, BATCH.features_BTF, BATCH.lengths_B).are_scores


class Blunt(CTCHead):
    """Hears prefixes otherwise than its frames say."""

    def prefix(self, encodings_BTF: Tensor, lengths_B: Tensor) -> Forward:
        return self.prefix_of_scores(self.frame_scores(encodings_BTF) / 3, lengths_B)


def test_a_head_with_prefixes_of_its_own_is_asked_for_them() -> None:
    model = recogniser()
    blunt = Blunt(model.encoder.outputs, TOKENS.size)
    blunt.load_state_dict(model.head.state_dict())  # type: ignore[attr-defined]
    vars(model)["head"] = blunt
    made = heard(model, BATCH.features_BTF, BATCH.lengths_B)
    assert not made.are_scores
    exact = prefix_scorer(model, BATCH.features_BTF, BATCH.lengths_B).next_log_probabilities()
    torch.testing.assert_close(made.prefix_scorer(model).next_log_probabilities(), exact, atol=0.1, rtol=0)


def test_what_float16_cannot_hold_stays_as_it_is() -> None:
    model = recogniser(head="transducer")
    with torch.no_grad():
        model.transducer.from_encoder.weight.mul_(1e-5)
    encode = model.encode
    model.encode = lambda *parts: encode(*parts) * 1e5  # type: ignore[method-assign]
    made = heard(model, BATCH.features_BTF, BATCH.lengths_B)
    assert made.values_BTX.dtype == torch.float32
    assert torch.equal(
        made.prefix_scorer(model).next_log_probabilities(),
        prefix_scorer(model, BATCH.features_BTF, BATCH.lengths_B).next_log_probabilities(),
    )


def test_utterances_without_frames_say_nothing() -> None:
    model = recogniser()
    made = heard(model, torch.zeros(2, 0, BATCH.features_BTF.shape[2]), torch.tensor([0, 0]))
    again = unpacked(made.packed(), made.lengths_B, made.are_scores)
    assert torch.equal(
        made.prefix_scorer(model).next_log_probabilities(), again.prefix_scorer(model).next_log_probabilities()
    )
