"""Functions and classes are never found by a name in a file: what a freshly built strategy holds supplies them.

A file names one by its key. Found it is among what the fresh strategy refers to, among the classes of data that the
modules of its own classes define or import, or in a short table of builtins. So nothing runs that the experiment
does not name.
"""

from __future__ import annotations

import builtins
import collections
import dataclasses
import enum
import hashlib
import sys
import types
from collections.abc import Iterable
from typing import Any

import numpy as np
from flwr.app import Array, Error, Message, Metadata

from fedasr.messages.records import ViewArray
from fedasr.server.state.refusal import UnsavableError

BUILTIN = (
    *(kind for kind in vars(builtins).values() if isinstance(kind, type)),
    *(kind for kind in vars(np).values() if isinstance(kind, type) and issubclass(kind, np.generic)),
    collections.OrderedDict, collections.defaultdict, collections.Counter, collections.deque,
    Array, ViewArray, Message, Metadata, Error,
)  # fmt: skip
"""Classes that any file may name."""
CALLABLE = (
    types.FunctionType, types.BuiltinFunctionType, types.ModuleType, np.ufunc, type, types.MethodDescriptorType,
    types.WrapperDescriptorType, property, classmethod, staticmethod, types.GenericAlias,
)  # fmt: skip
"""What is referred to and never written down. Functions with something of their own are written: see `closures`."""


def key_of(value: Any) -> str:
    """Return what tells a function, class or module from others."""
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    name = (
        f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', getattr(value, '__name__', repr(value)))}"
    )
    code = _code(value.__code__) if isinstance(value, types.FunctionType) else ""
    return f"{type(value).__name__} {name} {code}".rstrip()


def _code(code: types.CodeType) -> str:
    """Return a digest of what a function does: two lambdas of one place have one name."""
    constants = [_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    text = repr((code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Supplied:
    """What a freshly built strategy refers to, by key.

    Parameters
    ----------
    strategy : object
    held : iterable of object
        All that it holds, directly and indirectly.
    """

    def __init__(self, strategy: object, held: Iterable[object]) -> None:
        self._found: dict[str, Any] = {key_of(kind): kind for kind in BUILTIN}
        for kind in type(strategy).__mro__:
            self._found |= {key_of(found): found for found in _classes_of_data(kind)}
        for value in held:
            if isinstance(value, types.MethodType):
                value = value.__func__
            known = [value] if isinstance(value, CALLABLE) else []
            self._found |= {key_of(found): found for found in (*known, *type(value).__mro__)}

    def find(self, key: str, current: Any) -> Any:
        """Return what has a key: the value that stands in the same place, if it has, else any.

        Raises
        ------
        UnsavableError
            Where nothing has.
        """
        if isinstance(current, CALLABLE) and key_of(current) == key:
            return current
        if key not in self._found:
            raise UnsavableError(f"{key} is nothing that the new strategy refers to")
        return self._found[key]


def _classes_of_data(kind: type) -> Iterable[type]:
    """Return the classes of data that the module of a class defines or imports."""
    module = sys.modules.get(kind.__module__)
    waiting = [found for found in vars(module).values() if isinstance(found, type)] if module else []
    while waiting:
        found = waiting.pop()
        own = getattr(found, "__module__", None) == kind.__module__
        if own or _is_data(found):
            yield found
            inner = f"{found.__qualname__}."
            waiting += [v for v in vars(found).values() if isinstance(v, type) and v.__qualname__.startswith(inner)]


def _is_data(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) or issubclass(kind, (enum.Enum, tuple, dict, list, set))
