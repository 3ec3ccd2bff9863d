"""Functions, classes, and objects of anybody's class."""

from __future__ import annotations

import enum
import functools
import types
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

from flwr.serverapp import Grid

from fedasr.server.state.containers import CONTAINERS, items, pairs, read_items, read_pairs
from fedasr.server.state.numeric import NUMERIC
from fedasr.server.state.objects import MISSING, attributes, fill, is_plain, slot_values
from fedasr.server.state.reader import Reader
from fedasr.server.state.refusal import UnsavableError
from fedasr.server.state.supplied import CALLABLE, key_of
from fedasr.server.state.writer import Form, Json, Writer

BASES = (OrderedDict, defaultdict, deque, dict, list, set, tuple, frozenset, str, bytes, int, float, complex)
"""Builtins that a class may be derived from: what such an object is worth is theirs, the rest its attributes."""
UNCHANGING = (tuple, frozenset, str, bytes, int, float, complex)


def _given(value: Any, writer: Writer, where: str) -> Json:
    if isinstance(value, types.BuiltinFunctionType) and not isinstance(
        value.__self__, (types.ModuleType, type, type(None))
    ):
        raise UnsavableError(f"{where}: the method {value.__qualname__} of an object cannot be saved")
    return key_of(value)


def holds_something(value: types.FunctionType) -> bool:
    """Return whether a function remembers anything: variables it encloses, attributes, defaults."""
    return bool(value.__closure__ or vars(value) or value.__defaults__ or value.__kwdefaults__)


def _function(value: Any, writer: Writer, where: str) -> Json:
    enclosed = {}
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
        try:
            enclosed[name] = cell.cell_contents
        except ValueError:
            continue
    of = f"{where}: {value.__qualname__}"
    defaults = [writer.value(value.__defaults__, of), writer.value(value.__kwdefaults__, of)]
    return [key_of(value), writer.mapping(enclosed, of), writer.mapping(vars(value), of), defaults]


def _make_function(content: Json, reader: Reader, current: Any) -> Any:
    found = reader.supplied.find(content[0], current)
    if id(found) in reader.taken:
        raise UnsavableError(f"two functions {found.__qualname__} cannot be told from each other")
    reader.taken.add(id(found))
    return found


def _fill_function(value: Any, content: Json, reader: Reader, current: Any) -> None:
    """Have a function of the new strategy given what it enclosed, once all else is made."""
    _, enclosed, more, (defaults, named) = content
    cells = dict(zip(value.__code__.co_freevars, value.__closure__ or (), strict=True))
    now = {name: _content(cell) for name, cell in cells.items()}
    held, own = reader.mapping(enclosed, now), reader.mapping(more, vars(value))
    defaults, named = reader.value(defaults, value.__defaults__), reader.value(named, value.__kwdefaults__)

    def put() -> None:
        for name, inner in held.items():
            cells[name].cell_contents = inner
        vars(value).clear()
        vars(value).update(own)
        value.__defaults__, value.__kwdefaults__ = defaults, named

    reader.later.append(put)


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _object(value: Any, writer: Writer, where: str) -> Json:
    kind = type(value)
    return [key_of(kind), writer.mapping(attributes(value), where), writer.mapping(slot_values(value), where)]


def _make_object(content: Json, reader: Reader, current: Any) -> Any:
    kind = reader.supplied.find(content[0], type(current))
    if not is_plain(kind):
        raise UnsavableError(f"{content[0]} is no class of plain objects")
    return object.__new__(kind)


def _fill_object(value: Any, content: Json, reader: Reader, current: Any) -> None:
    alike = type(current) is type(value)
    known, slots = (attributes(current), slot_values(current)) if alike else ({}, {})
    fill(value, reader.mapping(content[1], known), reader.mapping(content[2], slots))


def base_of(kind: type) -> type | None:
    """Return the builtin that a class is derived from, if any."""
    return next((base for base in kind.__mro__ if base in BASES), None)


WORTH: dict[type, Callable[[Any], Any]] = {
    int: int.__int__, float: float.__float__, complex: complex.__pos__, str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
}  # fmt: skip
"""The builtin's own value, by no method of the class."""


def _worth(value: Any, base: Any, writer: Writer, where: str) -> Json:
    if issubclass(base, dict):
        return pairs(dict.items(value), writer, where)
    if base in (list, set, deque, tuple, frozenset):
        return items(base.__iter__(value), writer, where)
    return writer.value(WORTH[base](value), where)


def _derived(value: Any, writer: Writer, where: str) -> Json:
    base = base_of(type(value))
    assert base is not None
    more = None
    if base is defaultdict:
        more = writer.value(value.default_factory, f"{where}: the default")
    if base is deque:
        more = value.maxlen
    return [key_of(type(value)), _worth(value, base, writer, where), more, writer.mapping(attributes(value), where)]


def _make_derived(content: Json, reader: Reader, current: Any) -> Any:
    kind = reader.supplied.find(content[0], type(current))
    base: Any = base_of(kind)
    if base in (tuple, frozenset):
        return base.__new__(kind, read_items(content[1], reader, current))
    if base in UNCHANGING:
        return base.__new__(kind, reader.value(content[1]))
    found = base.__new__(kind)
    if base is deque:
        deque.__init__(found, maxlen=content[2])
    return found


def _fill_derived(value: Any, content: Json, reader: Reader, current: Any) -> None:
    base: Any = base_of(type(value))
    if base is not None and issubclass(base, dict):
        for key, inner in read_pairs(content[1], reader, current):
            base.__setitem__(value, key, inner)
        if base is defaultdict:
            value.default_factory = reader.value(content[2], getattr(current, "default_factory", MISSING))
    elif base in (list, deque):
        base.extend(value, read_items(content[1], reader, current))
    elif base is set:
        set.update(value, read_items(content[1], reader, current))
    if hasattr(value, "__dict__"):
        vars(value).update(reader.mapping(content[3], attributes(current)))


GIVEN = Form("given", _given, lambda c, r, now: r.supplied.find(c, now))
FUNCTION = Form("function", _function, _make_function, _fill_function)
OBJECT = Form("object", _object, _make_object, _fill_object)
DERIVED = Form("derived", _derived, _make_derived, _fill_derived)
ENUM = Form(
    "enum", lambda v, w, where: [key_of(type(v)), w.value(v.value, where)],
    lambda c, r, now: r.supplied.find(c[0], type(now))(r.value(c[1])),
)  # fmt: skip
METHOD = Form(
    "method", lambda v, w, where: [key_of(v.__func__), w.value(v.__self__, where)],
    lambda c, r, now: types.MethodType(
        r.supplied.find(c[0], getattr(now, "__func__", None)), r.value(c[1], getattr(now, "__self__", MISSING))
    ),
)  # fmt: skip
PARTIAL = Form(
    "partial", lambda v, w, where: items((v.func, v.args, v.keywords, vars(v)), w, where),
    lambda c, r, now: _partial(*read_items(c, r, _parts(now))),
)  # fmt: skip
REFERENCE = Form(
    "weak reference", lambda v, w, where: w.value(v(), where),
    lambda c, r, now: weakref.ref(r.value(c, now() if isinstance(now, weakref.ref) else MISSING)),
)  # fmt: skip


def _parts(partial: Any) -> Any:
    is_one = isinstance(partial, functools.partial)
    return (partial.func, partial.args, partial.keywords, vars(partial)) if is_one else MISSING


def _partial(function: Any, arguments: Any, keywords: Any, more: dict[str, Any]) -> Any:
    found = functools.partial(function, *arguments, **keywords)
    vars(found).update(more)
    return found


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
