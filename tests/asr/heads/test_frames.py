import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.tolerance import rounding

from fedasr.asr.heads.frames import MOST_OUTPUTS, FramesHead
from fedasr.common.errors import UserError


def _head(labels: int) -> FramesHead:
    """A head that hands its inputs on as logits."""
    head = FramesHead(labels, labels)
    with torch.no_grad():
        head.output.weight.copy_(torch.eye(labels))
        head.output.bias.zero_()
    return head


def _losses(logits: torch.Tensor, labels: list[list[int]]) -> torch.Tensor:
    lengths = torch.tensor([len(row) for row in labels])
    padded = torch.zeros((len(labels), int(lengths.max())), dtype=torch.int64)
    for row, of_row in enumerate(labels):
        padded[row, : len(of_row)] = torch.tensor(of_row)
    return _head(logits.shape[2]).losses(logits, lengths, padded, lengths)


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=6), min_size=1, max_size=4), st.integers(0, 99))
def test_the_loss_is_the_cross_entropy_of_each_frame(labels: list[list[int]], seed: int) -> None:
    frames = max(map(len, labels))
    logits = torch.randn((len(labels), frames, 4), generator=torch.Generator().manual_seed(seed))
    found = _losses(logits, labels).tolist()
    for row, of_row in enumerate(labels):
        scores = logits[row].double().log_softmax(-1)
        wanted = -sum(scores[frame, label].item() for frame, label in enumerate(of_row))
        assert found[row] == pytest.approx(wanted, abs=rounding(4 * frames, wanted + 4 * frames))


def test_nothing_known_costs_the_logarithm_of_the_outputs() -> None:
    losses = _losses(torch.zeros(2, 5, 3000), [[1, 2, 2999, 0, 7], [3]])
    assert losses.tolist() == pytest.approx([5 * math.log(3000), math.log(3000)], rel=1e-6)


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=4))
def test_greedy_decoding_makes_repeats_one_and_drops_silence(paths: list[list[int]]) -> None:
    frames = max(map(len, paths))
    logits = torch.zeros((len(paths), frames, 4))
    logits[:, :, 3] = 5.0  # padding that would be heard if it were decoded
    for row, path in enumerate(paths):
        logits[row, : len(path)] = 10.0 * torch.eye(4)[path]
    found = _head(4).greedy(logits, torch.tensor([len(path) for path in paths]))
    assert found == [[label for label, _ in itertools.groupby(path) if label] for path in paths]


def test_more_outputs_than_16_bits_count_are_refused() -> None:
    assert FramesHead(1, MOST_OUTPUTS).output.out_features == 65_535
    with pytest.raises(UserError, match="65536"):
        FramesHead(1, MOST_OUTPUTS + 1)
