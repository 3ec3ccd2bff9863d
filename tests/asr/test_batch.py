"""Batches that carry more than features and tokens."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.toy_recognisers import features

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.features import stacked_length
from fedasr.asr.soft_targets import FrameTargets, stacked_targets


def soft(length: int, k: int, seed: int = 0) -> FrameTargets:
    """The k most probable of 9 tokens in each frame."""
    random = np.random.default_rng(seed)
    whole = random.dirichlet(np.ones(9), length).astype(np.float32)
    tokens = np.argsort(-whole, axis=1)[:, :k]
    kept = np.take_along_axis(whole, tokens, 1)
    return tokens, kept, 1 - kept.sum(1)


def batch_with_targets(lengths: list[int], k: int = 3) -> Batch:
    targets = [soft(stacked_length(length), k, seed) for seed, length in enumerate(lengths)]
    tokens = [list(range(1, 2 + place)) for place in range(len(lengths))]
    return make_batch(features(*lengths), tokens, targets, [f"u{place}" for place in range(len(lengths))])


def test_the_mass_of_a_frame_is_one_and_of_the_padding_zero() -> None:
    batch = batch_with_targets([40, 71, 25])
    assert batch.soft is not None
    mass_BT = batch.soft.probabilities_BTK.sum(2) + batch.soft.tail_BT
    valid_BT = torch.arange(mass_BT.shape[1])[None, :] < batch.lengths_B[:, None]
    torch.testing.assert_close(mass_BT, valid_BT.float())
    assert batch.soft.tokens_BTK.dtype == torch.int64


@given(st.lists(st.integers(3, 80), min_size=1, max_size=6), st.data())
def test_a_part_of_a_batch_is_the_batch_of_the_part(lengths: list[int], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(lengths) - 1))
    stop = data.draw(st.integers(start + 1, len(lengths)))
    whole = batch_with_targets(lengths)
    part = whole.trimmed(start, stop)
    frames = stacked_length(max(lengths[start:stop]))
    assert part.ids == whole.ids[start:stop]
    assert part.features_BTF.shape[:2] == (stop - start, frames)
    assert part.targets_BU.shape == (stop - start, stop)
    assert part.soft is not None
    assert whole.soft is not None
    assert part.soft.tail_BT.shape == (stop - start, frames)
    for row, place in enumerate(range(start, stop)):
        length = int(part.lengths_B[row])
        assert length == stacked_length(lengths[place])
        for found, expected in (
            (part.features_BTF, whole.features_BTF), (part.soft.tokens_BTK, whole.soft.tokens_BTK),
            (part.soft.probabilities_BTK, whole.soft.probabilities_BTK), (part.soft.tail_BT, whole.soft.tail_BT),
        ):  # fmt: skip
            assert found[row, :length].equal(expected[place, :length])


def test_what_there_is_none_of_stays_none() -> None:
    plain = make_batch(features(40, 20), [[1], [2]]).trimmed(1, 2).to(torch.device("cpu"))
    assert (plain.soft, plain.ids) == (None, ())
    moved = batch_with_targets([40, 20]).to(torch.device("meta"))
    assert moved.soft is not None
    assert moved.ids == ("u0", "u1")
    parts = (moved.features_BTF, moved.target_lengths_B, moved.soft.tokens_BTK, moved.soft.tail_BT)
    assert {part.device.type for part in parts} == {"meta"}


def test_targets_that_do_not_fit_are_refused() -> None:
    tokens, kept, tail = soft(5, 2)
    for wrong in ((tokens, kept[:, :1], tail), (tokens, kept, tail[:4]), soft(6, 2)):
        with pytest.raises(ValueError, match="do not fit"):
            stacked_targets([wrong], 5)
    unlike = stacked_targets([soft(5, 2), soft(4, 3)], 6)
    assert unlike.tokens_BTK.shape == (2, 6, 3)
    assert unlike.probabilities_BTK[0, :, 2].eq(0).all()
