"""JSON schemas of settings, from which editors complete and check a file."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any

from fedasr.common.settings.docstrings import meanings, summary
from fedasr.common.settings.limits import Limits, limits_of
from fedasr.common.settings.tables import to_plain
from fedasr.common.settings.values import kinds_of

Schema = dict[str, Any]

NAMES: Mapping[Any, str] = {int: "integer", float: "number", str: "string", bool: "boolean"}
BOUNDS = {"least": "minimum", "above": "exclusiveMinimum", "most": "maximum", "below": "exclusiveMaximum"}


def schema_of(cls: type) -> Schema:
    """Return the JSON schema (draft 7) of the table that fills a dataclass."""
    texts = meanings(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    properties = {name: _property(cls, field, texts.get(name, "")) for name, field in fields.items()}
    required = [name for name, field in fields.items() if field.default is field.default_factory is MISSING]
    schema = {"type": "object", "description": plain(summary(cls)), "properties": properties}
    return schema | ({"required": required} if required else {}) | {"additionalProperties": False}


def plain(text: str) -> str:
    """Return a text without the marks of code."""
    return " ".join(text.replace("``", "").replace("`", "").split())


def _property(cls: type, field: dataclasses.Field[Any], text: str) -> Schema:
    schema = _kind(kinds_of(cls)[field.name], limits_of(field))
    if text:
        schema["description"] = plain(text)
    if field.default is not MISSING and field.default is not None and not dataclasses.is_dataclass(field.default):
        schema["default"] = to_plain(field.default)
    return schema


def _kind(kind: Any, limits: Limits) -> Schema:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        schemas = [_kind(choice, limits) for choice in typing.get_args(kind) if choice is not type(None)]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    if origin is typing.Literal:
        return {"type": "string", "enum": list(typing.get_args(kind))}
    if origin is tuple:
        return _list(typing.get_args(kind), limits)
    if dataclasses.is_dataclass(kind):
        return schema_of(typing.cast(type, kind))
    return _plain(origin or kind, limits)


def _list(items: tuple[Any, ...], limits: Limits) -> Schema:
    if items[-1] is Ellipsis:
        return {"type": "array", "items": _kind(items[0], limits)}
    schemas = [_kind(item, limits) for item in items]
    return {"type": "array", "items": schemas, "minItems": len(items), "maxItems": len(items)}


def _plain(kind: Any, limits: Limits) -> Schema:
    if kind not in NAMES:
        return {"type": "object"}
    schema: Schema = {"type": NAMES[kind]}
    if kind in (int, float):
        bounds = {word: getattr(limits, name) for name, word in BOUNDS.items()}
        schema |= {word: bound for word, bound in bounds.items() if bound is not None and math.isfinite(bound)}
    return schema | ({"enum": list(limits.choices)} if limits.choices else {})
