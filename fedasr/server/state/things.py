"""Objects of anybody's class, those derived from builtins, and members of enumerations."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

from fedasr.server.state.containers import items, pairs, read_items, read_pairs
from fedasr.server.state.objects import MISSING, attributes, fill, is_plain, slot_values
from fedasr.server.state.reader import Reader
from fedasr.server.state.refusal import UnsavableError
from fedasr.server.state.supplied import key_of
from fedasr.server.state.writer import Form, Json, Writer

BASES = (OrderedDict, defaultdict, deque, dict, list, set, tuple, frozenset, str, bytes, int, float, complex)
"""Builtins that a class may be derived from: what such an object is worth is theirs, the rest its attributes."""
UNCHANGING = (tuple, frozenset, str, bytes, int, float, complex)


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


OBJECT = Form("object", _object, _make_object, _fill_object)
DERIVED = Form("derived", _derived, _make_derived, _fill_derived)
ENUM = Form(
    "enum", lambda v, w, where: [key_of(type(v)), w.value(v.value, where)],
    lambda c, r, now: r.supplied.find(c[0], type(now))(r.value(c[1])),
)  # fmt: skip
