"""Every command says what each of its arguments is, in plain text where nobody sees colours."""

from __future__ import annotations

import importlib
import re
from typing import Any

import click
import pytest
from typer.main import get_command
from typer.testing import CliRunner

import fedasr

MODULES = [f"fedasr.{name}" for name in fedasr.COMMANDS] + ["fedasr.engine.reference"]


def _app(module: str) -> Any:
    found = importlib.import_module(module)
    return found.app if hasattr(found, "app") else importlib.import_module(f"{module}.__main__").app


@pytest.mark.parametrize("module", MODULES)
def test_help_describes_every_argument_without_escapes(module: str) -> None:
    app = _app(module)
    for words, command in _commands(get_command(app)):
        told = CliRunner().invoke(app, [*words, "--help"])
        assert told.exit_code == 0
        assert not {"\x1b", "\\"} & set(told.output)
        for parameter in command.params:
            if not parameter.hidden and parameter.name != "help":
                text = parameter.help
                assert text, f"{module} {' '.join(words)}: {parameter.name} has no help"
                name = parameter.get_help_record(click.Context(command))[0].partition("  ")[0]
                assert " ".join(told.output.split()).count(f" {name} {' '.join(text.split()[:2])}") == 1
        headings = re.findall(r"^(?! ).+:$", told.output, re.MULTILINE)
        assert set(headings) <= {"Arguments:", "Options:"}
        assert len(headings) == len(set(headings))


def _commands(command: Any, words: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Return a command, or all commands of a group, with the words that call them."""
    parts = getattr(command, "commands", None)
    if parts is None:
        return [(words, command)]
    return [each for name, part in parts.items() for each in _commands(part, (*words, name))]
