import pytest
import torch
from support.tolerance import assert_rounded
from torch import nn

from fedasr.protection.per_example import lstm
from fedasr.protection.per_example.frames import scripted
from fedasr.protection.per_example.lstm import Gradients, is_plain, recorded_lstm


@pytest.mark.parametrize(("batch", "frames"), [(1, 1), (3, 1), (1, 6), (4, 9)])
def test_outputs_and_gradients_are_those_of_torch(batch: int, frames: int) -> None:
    torch.manual_seed(batch)
    layer, slope_BTH = nn.LSTM(5, 7, batch_first=True), torch.randn(batch, frames, 7)
    x_BTI, anchor = torch.randn(batch, frames, 5, requires_grad=True), torch.zeros((), requires_grad=True)
    record: Gradients = {}
    found, _ = recorded_lstm(layer, x_BTI, anchor, record.update)
    (found_slope, _) = torch.autograd.grad((found * slope_BTH).sum(), [x_BTI, anchor], allow_unused=True)
    expected, _ = layer(x_BTI)
    (expected_slope,) = torch.autograd.grad((expected * slope_BTH).sum(), x_BTI)
    there = frames * (5 + 7)
    assert_rounded(found, expected, there)
    assert_rounded(found_slope, expected_slope, 2 * there)
    for number in range(batch):
        lone, _ = layer(x_BTI[number : number + 1])
        by_parameter = torch.autograd.grad((lone * slope_BTH[number]).sum(), list(layer.parameters()))
        for parameter, gradient in zip(layer.parameters(), by_parameter, strict=True):
            assert_rounded(record[parameter][number], gradient, 2 * there + frames)


@pytest.mark.parametrize(
    "options", [{"num_layers": 2}, {"bidirectional": True}, {"proj_size": 2}, {"bias": False}, {"batch_first": False}]
)
def test_other_lstms_are_told_apart(options: dict) -> None:
    assert is_plain(nn.LSTM(3, 4, batch_first=True))
    assert not is_plain(nn.LSTM(3, 4, **{"batch_first": True, **options}))


def test_a_script_computes_what_python_does_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer, x_BTI, anchor = nn.LSTM(9, 16, batch_first=True), torch.randn(5, 40, 9), torch.zeros((), requires_grad=True)
    found: list[list[torch.Tensor]] = []
    for how in (scripted, lambda function: function):
        monkeypatch.setattr(lstm, "scripted", how)
        for _ in range(3):  # a script is made anew for what it has met twice
            record: Gradients = {}
            y_BTH, _ = recorded_lstm(layer, x_BTI, anchor, record.update)
            torch.autograd.grad(y_BTH.square().sum(), anchor, allow_unused=True)
            found.append([y_BTH.detach(), *(record[parameter] for parameter in layer.parameters())])
    for other in found[1:]:
        assert all(one.equal(two) for one, two in zip(found[0], other, strict=True))
