import math
from functools import cache

import pytest
import torch
from support.tolerance import assert_rounded, rounding

from fedasr.asr.heads.transducer import TOKENS_A_FRAME, TransducerHead, TransducerSettings

SUMS = 3 * (6 + 6) + 5 + 6 + 4
"""Operations of the head of these tests: its LSTM over three labels, the join of both sides, and its softmax."""


def _head(seed: int = 0, tokens: int = 4, scale: float = 3.0) -> TransducerHead:
    torch.manual_seed(seed)
    head = TransducerHead(5, tokens, TransducerSettings(6, 0.0))
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.mul_(scale)
    return head


def _greedy_alone(head: TransducerHead, encodings_TF: torch.Tensor) -> list[int]:
    """Greedy search as the papers write it: one utterance, one token at a time."""
    emitted: list[int] = []
    output, state = head.predictor(head.embedding(torch.tensor([[0]])))
    for frame in encodings_TF:
        for _ in range(TOKENS_A_FRAME):
            token = int(head.join(frame, output[0, -1]).argmax())
            if token == 0:
                break
            emitted.append(token)
            output, state = head.predictor(head.embedding(torch.tensor([[token]])), state)
    return emitted


@pytest.mark.parametrize("seed", range(8))
def test_greedy_decoding_of_a_batch_is_that_of_each_utterance(seed: int) -> None:
    head = _head(seed)
    lengths = [7, 1, 4]
    with torch.inference_mode():
        encodings = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(seed)) * 2
        found = head.greedy(encodings, torch.tensor(lengths))
        expected = [_greedy_alone(head, encodings[row, :length]) for row, length in enumerate(lengths)]
    assert found == expected


def test_the_cases_above_say_something() -> None:
    heard = []
    for seed in range(8):
        with torch.inference_mode():
            encodings = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(seed)) * 2
            heard += _head(seed).greedy(encodings, torch.tensor([7, 1, 4]))
    assert len({tuple(tokens) for tokens in heard}) > 8
    assert any(len(tokens) >= 3 for tokens in heard)
    assert any(not tokens for tokens in heard)


def test_a_model_that_never_says_blank_stops() -> None:
    head = _head(scale=0.0)
    with torch.no_grad():
        head.output.bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0]))
    with torch.inference_mode():
        found = head.greedy(torch.zeros(2, 3, 5), torch.tensor([3, 2]))
    assert found == [[1] * 3 * TOKENS_A_FRAME, [1] * 2 * TOKENS_A_FRAME]


@pytest.mark.parametrize("target", [[1], [2, 3], [1, 1, 2]])
def test_the_loss_sums_over_all_alignments(target: list[int]) -> None:
    head, frames = _head(1, scale=1.5), 3
    encodings = torch.randn(1, frames, 5, generator=torch.Generator().manual_seed(4))
    loss = head.losses(encodings, torch.tensor([frames]), torch.tensor([target]), torch.tensor([len(target)]), None)
    with torch.inference_mode():
        predictions, _ = head.predictor(head.embedding(torch.tensor([[0, *target]])))
        lattice = head.join(encodings[:, :, None], predictions[:, None])[0].log_softmax(-1).double()

    @cache
    def probability(frame: int, said: int) -> float:
        """The probability of saying the rest of the target from here on, over all ways to do it."""
        if frame == frames:
            return float(said == len(target))
        waiting = math.exp(lattice[frame, said, 0]) * probability(frame + 1, said)
        if said == len(target):
            return waiting
        return waiting + math.exp(lattice[frame, said, target[said]]) * probability(frame, said + 1)

    expected = -math.log(probability(0, 0))
    assert loss.item() == pytest.approx(expected, abs=rounding(SUMS + frames + len(target), expected))


def test_padding_does_not_change_the_loss() -> None:
    head = _head(2)
    encodings = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(5))
    lengths, targets, sizes = torch.tensor([6, 3]), torch.tensor([[1, 2, 3], [2, 0, 0]]), torch.tensor([3, 1])
    together = head.losses(encodings, lengths, targets, sizes, None)
    alone = head.losses(encodings[1:, :3], lengths[1:], targets[1:, :1], sizes[1:], None)
    assert_rounded(together[1:], alone, SUMS + 3 + 1)
