"""Each example's own gradient of every layer, from one backward pass over the batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch
from opacus.grad_sample.embedding import compute_embedding_grad_sample
from opacus.grad_sample.layer_norm import compute_layer_norm_grad_sample
from opacus.grad_sample.linear import compute_linear_grad_sample
from torch import Tensor, nn
from torch.nn import functional

from fedasr.protection.per_example.lstm import Gradients, is_plain, recorded_lstm

Model = TypeVar("Model", bound=nn.Module)
Sampler = Callable[[Any, list[Tensor], Tensor], Gradients]

SAMPLERS: Mapping[type[nn.Module], Sampler] = {
    nn.Linear: compute_linear_grad_sample,
    nn.LayerNorm: compute_layer_norm_grad_sample,
    nn.Embedding: compute_embedding_grad_sample,
}
"""Opacus' rules: a layer, its input and its output's gradient give the gradient of each example."""


def can_record(model: nn.Module) -> bool:
    """Whether every layer with parameters has a rule.

    Convolutions, attention and group norms have none; those of another package may moreover look across the end of an
    utterance, so that its gradient depends on the longest of the batch, which would break the guarantee. Models with
    such layers are taken one example at a time.
    """
    layers = (layer for layer in model.modules() if next(layer.parameters(recurse=False), None) is not None)
    return all(_has_rule(layer) for layer in layers)


def _has_rule(layer: nn.Module) -> bool:
    if isinstance(layer, nn.LSTM):
        return type(layer) is nn.LSTM and is_plain(layer)
    if isinstance(layer, nn.Embedding):
        return type(layer) is nn.Embedding and layer.padding_idx is None and layer.max_norm is None
    return type(layer) in SAMPLERS


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
            if wanted.intersection(layer.parameters(recurse=False)):
                stack.enter_context(_forward_replaced(layer, _recording_forward(layer, anchor, record)))
        yield gradients


@contextmanager
def _forward_replaced(layer: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    vars(layer)["forward"] = forward
    try:
        yield
    finally:
        del vars(layer)["forward"]


def _recording_forward(
    layer: nn.Module, anchor: Tensor, record: Callable[[Gradients], None]
) -> Callable[[Tensor], Any]:
    if isinstance(layer, nn.LSTM):
        return lambda x: recorded_lstm(layer, x, anchor, record)
    sampler = SAMPLERS[type(layer)]

    def forward(x: Tensor) -> Tensor:
        given = x.detach()
        y, show = _with_constants(layer, x), lambda slope: record(sampler(layer, [given], slope))
        tapped: Tensor = _Tap.apply(y, anchor, show)  # type: ignore[no-untyped-call]
        return tapped

    return forward


def _with_constants(layer: nn.Module, x: Tensor) -> Tensor:
    """Return the layer's output, its parameters constants to autograd."""
    constant = {name: value.detach() for name, value in layer.named_parameters(recurse=False)}
    if isinstance(layer, nn.Linear):
        return functional.linear(x, **constant)
    if isinstance(layer, nn.LayerNorm):
        return functional.layer_norm(x, layer.normalized_shape, eps=layer.eps, **constant)
    return functional.embedding(x, constant["weight"])


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
