"""Functions and what they enclose, methods, partial calls and weak references."""

from __future__ import annotations

import functools
import types
import weakref
from typing import Any

from fedasr.server.state.containers import items, read_items
from fedasr.server.state.objects import MISSING
from fedasr.server.state.reader import Reader
from fedasr.server.state.refusal import UnsavableError
from fedasr.server.state.supplied import key_of
from fedasr.server.state.writer import Form, Json, Writer


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


GIVEN = Form("given", _given, lambda c, r, now: r.supplied.find(c, now))
FUNCTION = Form("function", _function, _make_function, _fill_function)
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
