"""Which parameters are trained: the fewer, the less noise there is in all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from fedasr.common.errors import UserError

ALL = ("*",)
"""The pattern of every parameter."""


def chosen_names(names: Iterable[str], layers: Sequence[str]) -> list[str]:
    """Return the names of parameters that fit one of the patterns, in the order in which they come.

    Parameters
    ----------
    names : iterable of str
    layers : sequence of str
        Patterns as in file names: ``"*"``, ``"transducer.*"``, ``"*.norms.*"``. They are chosen without a look at
        private speech.

    Raises
    ------
    UserError
        Where a pattern fits no name, and where there is no pattern.
    """
    names = list(names)
    for pattern in layers or [""]:
        if not any(fnmatchcase(name, pattern) for name in names):
            parts = ", ".join(sorted({name.split(".")[0] for name in names}))
            raise UserError(f"'layers': no parameter fits '{pattern}'; the model's parts are {parts}")
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in layers)]


def trained_parameters(model: nn.Module, layers: Sequence[str]) -> dict[str, nn.Parameter]:
    """Return the parameters that some patterns choose (see `chosen_names`), in the model's order."""
    named = dict(model.named_parameters())
    return {name: named[name] for name in chosen_names(named, layers)}


@contextmanager
def only_trained(model: nn.Module, layers: Sequence[str]) -> Iterator[None]:
    """Within the block, parameters that no pattern chooses (see `chosen_names`) are constants to autograd."""
    trained = trained_parameters(model, layers)
    constant = [value for name, value in model.named_parameters() if name not in trained]
    for parameter in constant:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in constant:
            parameter.requires_grad_(True)


def with_zeros(model: nn.Module, layers: Sequence[str], trained: Sequence[Tensor]) -> list[Tensor]:
    """Return one tensor a parameter: those of the trained parameters (see `chosen_names`), zeros for the others."""
    found = dict(zip(trained_parameters(model, layers), trained, strict=True))
    return [found[n] if n in found else torch.zeros_like(p) for n, p in model.named_parameters()]


def zero_untrained_(model: nn.Module, gradient: Sequence[Tensor], layers: Sequence[str]) -> list[bool]:
    """Set the gradient of parameters that are not trained to zero, and tell of each whether it is trained.

    Parameters
    ----------
    model : nn.Module
    gradient : sequence of Tensor
        One a parameter, in the model's order; changed in place.
    layers : sequence of str
        See `chosen_names`.
    """
    trained = trained_parameters(model, layers)
    chosen = [name in trained for name, _ in model.named_parameters()]
    for part, is_chosen in zip(gradient, chosen, strict=True):
        if not is_chosen:
            part.zero_()
    return chosen
