"""Which parameters are trained: the fewer, the less noise there is in all."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn

from fedasr.common.errors import UserError


def trained_parameters(model: nn.Module, layers: Sequence[str]) -> dict[str, nn.Parameter]:
    """Return the parameters whose names fit one of the patterns, in the model's order.

    Parameters
    ----------
    model : nn.Module
    layers : sequence of str
        Patterns as in file names: ``"*"``, ``"transducer.*"``, ``"*.norms.*"``. They are chosen without a look at
        private speech.

    Raises
    ------
    UserError
        Where a pattern fits no parameter.
    """
    named = dict(model.named_parameters())
    for pattern in layers or [""]:
        if not any(fnmatchcase(name, pattern) for name in named):
            parts = ", ".join(sorted({name.split(".")[0] for name in named}))
            raise UserError(f"'layers': no parameter fits '{pattern}'; the model's parts are {parts}")
    return {name: value for name, value in named.items() if any(fnmatchcase(name, pattern) for pattern in layers)}
