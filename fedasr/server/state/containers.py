"""Lists, dictionaries and their kin, and Flower's records."""

from __future__ import annotations

import collections
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict

from fedasr.server.state.objects import MISSING
from fedasr.server.state.reader import Reader
from fedasr.server.state.writer import Form, Json, Writer

RECORDS = {kind.__name__: kind for kind in (ArrayRecord, MetricRecord, ConfigRecord, RecordDict)}


def items(values: Iterable[Any], writer: Writer, where: str) -> Json:
    """Return values in their order."""
    return [writer.value(value, f"{where}[{place}]") for place, value in enumerate(values)]


def pairs(values: Any, writer: Writer, where: str) -> Json:
    """Return keys and values in their order."""
    return [[writer.value(k, f"{where}: a key"), writer.value(v, f"{where}[{_shown(k)}]")] for k, v in values]


def _shown(key: Any) -> str:
    return repr(key)[:40] if type(key) is str else type(key).__name__


def read_items(content: Json, reader: Reader, current: Any) -> list[Any]:
    """Return the values that `items` was given; `current` is looked into where it is a sequence."""
    known = current if isinstance(current, (list, tuple)) else ()
    return [reader.value(c, known[n] if n < len(known) else MISSING) for n, c in enumerate(content)]


def read_pairs(content: Json, reader: Reader, current: Any) -> list[tuple[Any, Any]]:
    """Return the keys and values that `pairs` was given."""
    found = []
    for key_content, content_ in content:
        key = reader.value(key_content)
        found.append(
            (key, reader.value(content_, dict.get(current, key, MISSING) if isinstance(current, dict) else MISSING))
        )
    return found


def _sequence(kind: type, empty: Callable[[Json], Any] | None = None) -> Form:
    """Return the form of a container that grows by ``extend`` or ``update``."""
    grow: Any = getattr(kind, "extend", None) or kind.update  # type: ignore[attr-defined]
    return Form(
        kind.__name__, items, lambda content, reader, current: kind(),
        lambda value, content, reader, current: grow(value, read_items(content, reader, current)),
    )  # fmt: skip


def _fixed(kind: type) -> Form:
    return Form(kind.__name__, items, lambda content, reader, current: kind(read_items(content, reader, current)))


def _fill_pairs(value: Any, content: Json, reader: Reader, current: Any) -> None:
    for key, inner in read_pairs(content, reader, current):
        dict.__setitem__(value, key, inner)


def _fill_ordered(value: Any, content: Json, reader: Reader, current: Any) -> None:
    for key, inner in read_pairs(content, reader, current):
        value[key] = inner


def _fill_record(value: Any, content: Json, reader: Reader, current: Any) -> None:
    known = dict(current.items()) if type(current) is type(value) else MISSING
    vars(value)["_data"].update(read_pairs(content[1], reader, known))


DICT = Form("dict", lambda v, w, where: pairs(v.items(), w, where), lambda c, r, now: {}, _fill_pairs)
CONTAINERS: dict[type, Form] = {
    list: _sequence(list), set: _sequence(set), tuple: _fixed(tuple), frozenset: _fixed(frozenset), dict: DICT,
    collections.OrderedDict: Form(
        "OrderedDict", DICT.write, lambda c, r, now: collections.OrderedDict(), _fill_ordered
    ),
    collections.Counter: Form("Counter", DICT.write, lambda c, r, now: collections.Counter(), _fill_pairs),
    collections.defaultdict: Form(
        "defaultdict",
        lambda v, w, where: [w.value(v.default_factory, f"{where}: the default"), pairs(v.items(), w, where)],
        lambda c, r, now: collections.defaultdict(r.value(c[0], getattr(now, "default_factory", MISSING))),
        lambda v, c, r, now: _fill_pairs(v, c[1], r, now),
    ),
    collections.deque: Form(
        "deque", lambda v, w, where: [v.maxlen, items(v, w, where)],
        lambda c, r, now: collections.deque(maxlen=c[0]),
        lambda v, c, r, now: v.extend(read_items(c[1], r, list(now) if isinstance(now, collections.deque) else now)),
    ),
    bytes: Form(
        "long bytes", lambda v, w, where: w.raw(np.frombuffer(v, np.uint8)), lambda c, r, now: r.raw(c).tobytes()
    ),
    bytearray: Form("bytearray", lambda v, w, where: v.hex(), lambda c, r, now: bytearray.fromhex(c)),
    slice: Form(
        "slice", lambda v, w, where: items((v.start, v.stop, v.step), w, where),
        lambda c, r, now: slice(*read_items(c, r, MISSING)),
    ),
    types.SimpleNamespace: Form(
        "namespace", lambda v, w, where: w.mapping(vars(v), where), lambda c, r, now: types.SimpleNamespace(),
        lambda v, c, r, now: vars(v).update(r.mapping(c, getattr(now, "__dict__", {}))),
    ),
    **{
        kind: Form(
            "record", lambda v, w, where: [type(v).__name__, pairs(v.items(), w, where)],
            lambda c, r, now: RECORDS[c[0]](), _fill_record,
        )
        for kind in RECORDS.values()
    },
}  # fmt: skip
"""By exact type."""
