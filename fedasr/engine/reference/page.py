"""The page of the experiment file: a table for each table of the file."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Collection, Iterator
from dataclasses import MISSING
from itertools import groupby
from typing import Any

from fedasr.common.settings import limits_of
from fedasr.common.settings.docstrings import meanings, summary
from fedasr.common.settings.settings import default_of
from fedasr.common.settings.tables import to_plain
from fedasr.common.settings.values import kinds_of
from fedasr.common.settings.words import expected
from fedasr.engine.reference.named_choices import CHOICES, NamedChoice
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.network import Devices, Link, Network

OPENING = """# The experiment file

One TOML file. Every key has a default but `name` and `strategy` of a row. A key is set from the command line by
`--set KEY=VALUE`; `compare.NAME.…` reaches into a row. All mistakes of a file are told, a line each, before anything
is run. Editors complete and check a file that begins with the path of the
[schema](experiment.schema.json), such as `#:schema ../docs/reference/experiment.schema.json`.

This page and the schema are written by `python -m fedasr.engine.reference`, from the dataclasses that read the file,
and name what the installed packages register.
"""
TITLES = {
    "strategy": "Strategies", "objective": "Objectives", "protection": "Protections", "codec": "Codecs",
    "client": "Client halves", "encoder": "Encoders", "head": "Heads",
}  # fmt: skip
NETWORK = """## The file of a network

Where `network` of a row is the path of a TOML file, it holds these keys.
"""


def reference_page() -> str:
    """Return the page in Markdown."""
    parts = [OPENING, *_experiment(), *_table("`[[compare]]`", RowSpec)]
    for choice in CHOICES:
        parts += _choice(choice)
    parts += [NETWORK, _keys(Network), *_table("`[link]` and `[server_link]`", Link, 3)]
    return "\n".join([*parts, *_table("`[devices]`", Devices, 3)])


def _experiment() -> Iterator[str]:
    yield from _table("Top level", Experiment)
    yield from _tables_in(Experiment)


def _tables_in(cls: type, within: str = "", level: int = 2) -> Iterator[str]:
    """Yield a section for each table in a table, one for those of one kind."""
    kinds = [(f"{within}{name}", kind) for name, kind in kinds_of(cls).items() if dataclasses.is_dataclass(kind)]
    for kind, named in groupby(kinds, key=lambda each: typing.cast(type, each[1])):
        names = [name for name, _ in named]
        yield from _table(" and ".join(f"`[{name}]`" for name in names), kind, level)
        yield from _tables_in(kind, f"{names[0]}.", level + 1)


def _choice(choice: NamedChoice) -> Iterator[str]:
    where = "a row" if choice.table == "compare" else f"`[{choice.table}]`"
    yield f"## {TITLES[choice.key]}\n\n`{choice.key}` of {where} names one; `{choice.options}` sets its options.\n"
    for name, kind in choice.found().items():
        yield f"### `{name}`\n\n{_code(summary(kind))}\n"
        settings = choice.settings_of(kind)
        if settings:
            shared = [f"`{key}`" for key in kinds_of(settings) if key in choice.shared()]
            taken = f"It takes {', '.join(shared)} of `[{choice.table}]`.\n" if shared else "It has no options.\n"
            yield _keys(settings, choice.shared()) or taken


def _table(title: str, cls: type, level: int = 2) -> Iterator[str]:
    yield f"{'#' * level} {title}\n\n{_code(summary(cls))}\n"
    yield _keys(cls)


def _keys(cls: type, left_out: Collection[str] = ()) -> str:
    """Return the keys of a table that hold no table of their own; empty where there are none."""
    kinds, texts = kinds_of(cls), meanings(cls)
    fields = [field for field in dataclasses.fields(cls) if field.name not in left_out]
    rows = [_row(each, kinds[each.name], texts.get(each.name, "")) for each in fields if not _nested(kinds[each.name])]
    return "\n".join(["| key | must be | default | |", "|---|---|---|---|", *rows, ""]) if rows else ""


def _nested(kind: Any) -> bool:
    """Return whether a key is a table, or a list of tables, that has a section of its own."""
    return any(dataclasses.is_dataclass(each) for each in (kind, *typing.get_args(kind)))


def _row(field: dataclasses.Field[Any], kind: Any, text: str) -> str:
    limits = limits_of(field)
    choices = limits.choices or _literals(kind)
    must = ", ".join(f"`{choice}`" for choice in choices) if choices else expected(kind, limits)
    return f"| `{field.name}` | {must} | {_default(field)} | {_code(text).replace('|', chr(92) + '|')} |"


def _literals(kind: Any) -> tuple[str, ...]:
    return typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()


def _default(field: dataclasses.Field[Any]) -> str:
    default = default_of(field)
    if default is MISSING:
        return "required"
    return "left out" if default is None else f"`{json.dumps(to_plain(default), ensure_ascii=False)}`"


def _code(text: str) -> str:
    return text.replace("``", "`")
