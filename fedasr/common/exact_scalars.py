"""Values that hold no others and never change, as JSON and back: exact in type and value."""

from __future__ import annotations

import base64
import datetime
import logging
import math
import pathlib
import re
import struct
import uuid
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import torch

PATHS = {kind.__name__: kind for kind in (pathlib.PosixPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)}
JSON_INTEGER = 2**63
"""Beyond it integers are written in hexadecimal: Python does not read decimal ones of thousands of digits."""
NUMBERS = "biufcmM"
"""NumPy's kinds whose values are their bytes."""


def _bits(value: float) -> str:
    return struct.pack("<d", value).hex()


def _float(bits: str) -> float:
    found: float = struct.unpack("<d", bytes.fromhex(bits))[0]
    return found


def _integers(texts: list[str]) -> list[int]:
    return [int(text, 16) for text in texts]


def _moment(value: datetime.datetime) -> list[Any]:
    return [value.replace(tzinfo=None).isoformat(), value.fold, _zone(value.tzinfo)]


def _zone(zone: datetime.tzinfo | None) -> float | None:
    if zone is None:
        return None
    if type(zone) is not datetime.timezone:
        raise TypeError(f"a time in the zone {type(zone).__name__}")
    seconds = zone.utcoffset(None).total_seconds()
    if zone.tzname(None) != datetime.timezone(zone.utcoffset(None)).tzname(None):
        raise TypeError("a time in a zone with a name of its own")
    return seconds


def _in_zone(seconds: float | None) -> datetime.timezone | None:
    return None if seconds is None else datetime.timezone(datetime.timedelta(seconds=seconds))


def _time(cls: Any, content: Any) -> Any:
    text, fold, zone = content
    return cls.fromisoformat(text).replace(fold=fold, tzinfo=_in_zone(zone))


Pair = tuple[Callable[[Any], Any], Callable[[Any], Any]]
FORMS: dict[type, tuple[str, *Pair]] = {
    complex: ("complex", lambda v: [_bits(v.real), _bits(v.imag)], lambda c: complex(*map(_float, c))),
    Decimal: ("decimal", str, Decimal),
    Fraction: ("fraction", lambda v: [hex(v.numerator), hex(v.denominator)], lambda c: Fraction(*_integers(c))),
    uuid.UUID: ("uuid", str, uuid.UUID),
    datetime.date: ("date", datetime.date.isoformat, datetime.date.fromisoformat),
    datetime.datetime: ("datetime", _moment, lambda c: _time(datetime.datetime, c)),
    datetime.time: (
        "time", lambda v: [v.replace(tzinfo=None).isoformat(), v.fold, _zone(v.tzinfo)],
        lambda c: _time(datetime.time, c),
    ),
    datetime.timedelta: (
        "timedelta", lambda v: [v.days, v.seconds, v.microseconds], lambda c: datetime.timedelta(*c)
    ),
    datetime.timezone: ("zone", _zone, _in_zone),
    range: ("range", lambda v: [hex(n) for n in (v.start, v.stop, v.step)], lambda c: range(*_integers(c))),
    re.Pattern: ("pattern", lambda v: [written(v.pattern), v.flags], lambda c: re.compile(read(c[0]), c[1])),
    np.str_: ("numpy text", str, np.str_),
    np.bytes_: ("numpy bytes", lambda v: bytes(v).hex(), lambda c: np.bytes_(bytes.fromhex(c))),
    torch.dtype: ("torch type", lambda v: str(v).removeprefix("torch."), lambda c: _of_torch(c, torch.dtype)),
    torch.device: ("device", str, torch.device),
    torch.Size: ("torch size", list, torch.Size),
    logging.Logger: ("logger", lambda v: v.name, logging.getLogger),
    logging.RootLogger: ("logger", lambda v: v.name, logging.getLogger),
    type(Ellipsis): ("ellipsis", lambda v: 0, lambda c: Ellipsis),
    type(NotImplemented): ("not implemented", lambda v: 0, lambda c: NotImplemented),
    **{kind: ("path", lambda v: [type(v).__name__, str(v)], lambda c: PATHS[c[0]](c[1])) for kind in PATHS.values()},
}  # fmt: skip
READERS: dict[str, Callable[[Any], Any]] = {
    **{tag: reader for tag, _, reader in FORMS.values()},
    "int": lambda c: int(c, 16),
    "float": _float,
    "bytes": base64.b64decode,
    "type": lambda c: np.dtype(c),
    "number": lambda c: np.ndarray((), np.dtype(c[0]), bytes.fromhex(c[1]))[()],
}


def _of_torch(name: str, kind: type) -> Any:
    found = getattr(torch, name)
    if not isinstance(found, kind):
        raise TypeError(f"torch.{name} is no {kind.__name__}")
    return found


def is_scalar(value: object) -> bool:
    """Return whether `written` takes a value."""
    kind = type(value)
    if kind in (type(None), bool, int, float, str, bytes) or kind in FORMS:
        return True
    if isinstance(value, np.dtype):
        return not value.hasobject and value.fields is None and value.subdtype is None
    return isinstance(value, np.generic) and value.dtype.kind in NUMBERS and kind.__module__ == "numpy"


def written(value: Any) -> Any:
    """Return a value as JSON: itself, or an object of one key that names the type."""
    kind = type(value)
    if kind in (type(None), bool, str):
        return value
    if kind is int:
        return value if abs(value) < JSON_INTEGER else {"int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": _bits(value)}
    if kind is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    if kind in FORMS:
        tag, write, _ = FORMS[kind]
        return {tag: write(value)}
    if isinstance(value, np.dtype):
        return {"type": value.str}
    return {"number": [value.dtype.str, value.tobytes().hex()]}


def read(content: Any) -> Any:
    """Return the value that `written` was given."""
    if not isinstance(content, dict):
        return content
    ((tag, inner),) = content.items()
    return READERS[tag](inner)
