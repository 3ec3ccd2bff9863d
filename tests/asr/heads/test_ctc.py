import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.tolerance import rounding

from fedasr.asr.heads.ctc import CTCHead


def _head(tokens: int) -> CTCHead:
    """A head that hands its inputs on as logits."""
    head = CTCHead(tokens, tokens)
    with torch.no_grad():
        head.output.weight.copy_(torch.eye(tokens))
        head.output.bias.zero_()
    return head


def _collapsed(path: list[int]) -> list[int]:
    """The definition, for one utterance: drop repeats, then blanks."""
    return [token for token, _ in itertools.groupby(path) if token != 0]


paths = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=4)


@given(paths)
def test_greedy_decoding_of_a_batch_is_that_of_each_utterance(paths: list[list[int]]) -> None:
    frames = max(len(path) for path in paths)
    logits = torch.full((len(paths), frames, 4), -5.0)
    logits[:, :, 3] = 5.0  # padding that would be heard if it were decoded
    for row, path in enumerate(paths):
        logits[row, : len(path)] = -5.0
        logits[row, torch.arange(len(path)), torch.tensor(path)] = 5.0
    found = _head(4).greedy(logits, torch.tensor([len(path) for path in paths]))
    assert found == [_collapsed(path) for path in paths]


def test_a_repeat_needs_a_blank_between() -> None:
    logits = torch.nn.functional.one_hot(torch.tensor([[1, 1, 0, 1, 2, 2, 0, 0]]), 3).float()
    assert _head(3).greedy(logits, torch.tensor([8])) == [[1, 1, 2]]


@pytest.mark.parametrize("target", [[1], [1, 2], [1, 1], [2, 1, 2], []])
def test_the_loss_sums_over_all_alignments(target: list[int]) -> None:
    frames, tokens = 4, 3
    logits = torch.from_numpy(np.random.default_rng(3).standard_normal((1, frames, tokens))).float()
    log_probabilities = logits.log_softmax(-1)[0].double().numpy()
    total = sum(
        math.exp(sum(log_probabilities[t, token] for t, token in enumerate(path)))
        for path in itertools.product(range(tokens), repeat=frames)
        if _collapsed(list(path)) == target
    )
    loss = _head(tokens).losses(
        logits, torch.tensor([frames]), torch.tensor([target], dtype=torch.long), torch.tensor([len(target)])
    )
    # Each frame adds to each of the states: blanks and labels by turns.
    sums = frames * (2 * len(target) + 1)
    assert loss.item() == pytest.approx(-math.log(total), abs=rounding(tokens + sums, -math.log(total)))


def test_a_target_that_does_not_fit_teaches_nothing() -> None:
    logits = torch.zeros(1, 2, 3, requires_grad=True)
    loss = _head(3).losses(logits, torch.tensor([2]), torch.tensor([[1, 1, 2]]), torch.tensor([3]))
    assert loss.item() == 0
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert not gradient.any()


@given(st.lists(st.lists(st.integers(1, 3), max_size=5), min_size=1, max_size=4), st.data())
def test_a_target_fits_where_its_loss_is_finite(targets: list[list[int]], data: st.DataObject) -> None:
    """By definition the loss is minus the logarithm of the sum over its paths: infinite where there is none."""
    lengths = torch.tensor([data.draw(st.integers(1, 9)) for _ in targets])
    padded = torch.zeros((len(targets), max(map(len, targets))), dtype=torch.int64)
    for row, target in enumerate(targets):
        padded[row, : len(target)] = torch.tensor(target, dtype=torch.int64)
    sizes = torch.tensor([len(target) for target in targets])
    scores = torch.zeros(int(lengths.max()), len(targets), 4).log_softmax(-1)
    losses = torch.nn.functional.ctc_loss(scores, padded, lengths, sizes, reduction="none")
    assert _head(4).fits(lengths, padded, sizes).tolist() == losses.isfinite().tolist()
