"""Which value is written down in which form."""

from __future__ import annotations

import enum
import functools
import types
import weakref
from typing import Any

from flwr.serverapp import Grid

from fedasr.server.state.callables import FUNCTION, GIVEN, METHOD, PARTIAL, REFERENCE, holds_something
from fedasr.server.state.containers import CONTAINERS
from fedasr.server.state.numeric import NUMERIC
from fedasr.server.state.objects import is_plain
from fedasr.server.state.supplied import CALLABLE
from fedasr.server.state.things import DERIVED, ENUM, OBJECT, base_of
from fedasr.server.state.writer import Form

EXACT: dict[type, Form] = {
    **CONTAINERS, **NUMERIC, types.MethodType: METHOD, functools.partial: PARTIAL, weakref.ref: REFERENCE,
}  # fmt: skip
BY_TAG = {form.tag: form for form in (*EXACT.values(), GIVEN, FUNCTION, OBJECT, DERIVED, ENUM)}


def form_of(value: Any) -> Form | None:
    """Return how a value is written down; None where it cannot be."""
    kind = type(value)
    if kind in EXACT:
        return EXACT[kind]
    if isinstance(value, types.FunctionType) and holds_something(value):
        return FUNCTION
    if isinstance(value, CALLABLE):
        return GIVEN
    if isinstance(value, enum.Enum):
        return ENUM
    if isinstance(value, Grid):
        return None
    if base_of(kind) is not None:
        return None if kind.__module__ == "numpy" or vars(kind).get("__slots__") else DERIVED
    return OBJECT if is_plain(kind) and kind is not object else None
