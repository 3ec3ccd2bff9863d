"""Each example's own gradient of every layer, from one backward pass over the batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedasr.asr.encoders.rotary import RotaryAttention, attended
from fedasr.protection.per_example.lstm import Gradients, is_plain, recorded_lstm
from fedasr.protection.per_example.rules import HOMES, RULES

Model = TypeVar("Model", bound=nn.Module)
Record = Callable[[Gradients], None]


def can_record(model: nn.Module) -> bool:
    """Whether every layer with parameters has a rule.

    Convolutions and attention have one within fedasr's own layers, which mask the padding: those of another package may
    look across the end of an utterance, so that its gradient depends on the longest of the batch, which would break
    the guarantee. Models with layers that have none are taken one example at a time.
    """
    at_home = {layer for home in model.modules() for layer in home.modules() if HOMES.get(type(layer)) is type(home)}
    layers = (layer for layer in model.modules() if next(layer.parameters(recurse=False), None) is not None)
    return all(_has_rule(layer) and (type(layer) not in HOMES or layer in at_home) for layer in layers)


def _has_rule(layer: nn.Module) -> bool:
    if type(layer) is nn.LSTM:
        return is_plain(layer)
    if type(layer) is nn.Embedding:
        return layer.padding_idx is None and layer.max_norm is None
    return type(layer) in RULES


def lane_copy(model: Model) -> Model:
    """Return a model of the same parameters, not copies of them, whose layers are its own.

    Recording changes layers for a while, so two threads need two models; what the parameters become, both see.
    """
    return copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})


@contextmanager
def recorded(model: nn.Module, parameters: list[nn.Parameter], anchor: Tensor) -> Iterator[Gradients]:
    """Within the block, layers that own one of the parameters record its gradients, example by example.

    To autograd their parameters are constants there, so the sums over the batch are never computed.

    Parameters
    ----------
    model : nn.Module
        One that `can_record`.
    parameters : list of nn.Parameter
        Those to record.
    anchor : Tensor
        The backward pass must be taken by it: ``torch.autograd.grad(loss, anchor, allow_unused=True)``.

    Yields
    ------
    dict
        Empty until the backward pass has run. A layer that was called twice has the sum of both calls.
    """
    wanted, gradients = set(parameters), Gradients()

    def record(found: Gradients) -> None:
        for parameter in found.keys() & wanted:
            known = gradients.get(parameter)
            gradients[parameter] = found[parameter] if known is None else known + found[parameter]

    with ExitStack() as stack:
        for layer in model.modules():
            whole = isinstance(layer, nn.MultiheadAttention)  # torch's own reads the parameters of a layer within
            if wanted.intersection(layer.parameters(recurse=whole)):
                name = "heard" if type(layer) is RotaryAttention else "forward"
                stack.enter_context(_replaced(layer, name, _recording(layer, anchor, record)))
        yield gradients


@contextmanager
def _replaced(layer: nn.Module, name: str, method: Callable[..., Any]) -> Iterator[None]:
    vars(layer)[name] = method
    try:
        yield
    finally:
        del vars(layer)[name]


def _recording(layer: nn.Module, anchor: Tensor, record: Record) -> Callable[..., Any]:
    if isinstance(layer, nn.LSTM):
        return lambda x: recorded_lstm(layer, x, anchor, record)
    if isinstance(layer, nn.MultiheadAttention):
        return _recording_attention(layer, anchor, record)
    constant, rule = _with_constants(layer), RULES[type(layer)]

    def forward(x: Tensor, *others: Tensor) -> Tensor:
        given = [x.detach(), *others]
        y = type(layer).forward(constant, x, *others)
        return _tapped(y, anchor, lambda slope: record(rule(layer, given, slope)))

    return forward


def _recording_attention(layer: nn.MultiheadAttention, anchor: Tensor, record: Record) -> Callable[..., Any]:
    """Return attention of a frame to all others as fedasr calls it, its two projections apart; the last is a layer."""
    rule, rotary = RULES[type(layer)], type(layer) is RotaryAttention
    constant = _with_constants(layer)

    def heard(x_BTF: Tensor, padding_BT: Tensor) -> Tensor:
        given = [x_BTF.detach()]
        y_BTG = functional.linear(x_BTF, constant.in_proj_weight, constant.in_proj_bias)
        projected_BTG = _tapped(y_BTG, anchor, lambda slope_BTG: record(rule(layer, given, slope_BTG)))
        heard_BTF: Tensor = layer.out_proj(attended(projected_BTG, layer.num_heads, padding_BT, rotary))
        return heard_BTF

    return heard if rotary else lambda x, *_, key_padding_mask, **__: (heard(x, key_padding_mask), None)


def _with_constants(layer: Model) -> Model:
    """Return the layer with its parameters, constants to autograd."""
    constant = copy.copy(layer)
    own = dict(layer.named_parameters(recurse=False))
    vars(constant)["_parameters"] = {**layer._parameters, **{name: value.detach() for name, value in own.items()}}
    return constant


def _tapped(y: Tensor, anchor: Tensor, show: Callable[[Tensor], None]) -> Tensor:
    """Return `y`; the backward pass comes by and shows the gradient that passes."""
    tapped: Tensor = _Tap.apply(y, anchor, show)  # type: ignore[no-untyped-call]
    return tapped


class _Tap(torch.autograd.Function):
    """The identity; its backward pass shows the gradient that passes."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, anchor: Tensor, show: Callable[[Tensor], None]) -> Tensor:
        ctx.show = show
        return y.view_as(y)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        ctx.show(slope)
        return slope, None, None
