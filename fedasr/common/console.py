"""What all commands share: exit codes, quiet libraries. Imported before any library that phones home."""

from __future__ import annotations

import functools
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
import typer
from rich.console import Console
from rich.logging import RichHandler
from typer.core import TyperArgument, TyperCommand
from typer.utils import get_params_from_function

from fedasr.common.errors import RowError, UserError
from fedasr.common.interruption import endings_raised, exit_code
from fedasr.common.strict_json import strict

# flwr and ray read these when they are imported; no import above imports them.
for _name, _value in (
    ("FLWR_TELEMETRY_ENABLED", "0"),
    ("FLWR_DISABLE_UPDATE_CHECK", "1"),
    ("RAY_USAGE_STATS_ENABLED", "0"),
    ("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0"),
    ("RAY_worker_niceness", "0"),  # workers do the work: by default Ray lets everything else go first
):
    os.environ.setdefault(_name, _value)


DETAILS = "fedasr.details"
"""The log of what goes into a run's log file alone, and to the terminal where ``--verbose`` asks for it."""
details = logging.getLogger(DETAILS)
details.setLevel(logging.DEBUG)
details.propagate = False


class OneLineCommand(TyperCommand):
    """A command that answers options it does not know in one line, as it does all other wrong requests.

    Its help describes arguments, too: with click 8.2 and later typer's own loses what is said of them.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        stated = get_params_from_function(self.callback) if self.callback else {}
        for parameter in self.params:
            if isinstance(parameter, TyperArgument) and parameter.name in stated:
                parameter.help = stated[parameter.name].default.help

    def get_help(self, ctx: click.Context) -> str:
        """Return the help as plain text: typer escapes brackets for markup that nobody reads here."""
        return super().get_help(ctx).replace("\\[", "[")

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Leave out the arguments as click 8.4 and later tells them: typer tells them among the options."""

    def meant(self, option: str) -> list[str]:
        """Return what may have been meant by an option that there is not, as words of the command; nothing here."""
        return []

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            unknown = error.option_name if isinstance(error, click.NoSuchOption) else ""
            if meant := self.meant(unknown) if unknown else []:
                typer.echo(f"error: No such option '{unknown}'; it is a setting: {' or '.join(meant)}", err=True)
            else:
                typer.echo(f"error: {' '.join(error.format_message().split())} (--help names all options)", err=True)
            sys.exit(2)


Command = TypeVar("Command", bound=Callable[..., Any])


def exits(command: Command) -> Command:
    """Turn a wrong request into a line for each mistake on standard error and exit code 2.

    An interruption is a line too, and exits as a shell has it. What notes say is to be done is a line of its own.
    """

    @functools.wraps(command)
    def wrapped(*args: Any, **options: Any) -> Any:
        try:
            with endings_raised():
                return command(*args, **options)
        except UserError as error:
            for line in error.lines:
                typer.echo(f"error: {line}", err=True)
            _echo_notes(error)
            sys.exit(error.exit_code)
        except KeyboardInterrupt as interruption:
            has_notes = getattr(interruption, "__notes__", ())
            typer.echo("interrupted; go on with" if has_notes else "interrupted", err=True)
            _echo_notes(interruption)
            sys.exit(exit_code(interruption))

    return wrapped  # type: ignore[return-value]


def echo_json(data: Any) -> None:
    """Print JSON that every reader can read, as UTF-8 whatever the terminal's own; half a character is escaped.

    Raises
    ------
    UserError
        Where a number is infinite or none: JSON has no word for it, and nothing is printed.
    """
    try:
        text = strict(data, indent=1)
    except RowError as error:
        raise UserError(f"--json: {error}; JSON has no word for it") from error
    typer.echo(text.encode("utf-8", "backslashreplace"))


def _echo_notes(error: BaseException) -> None:
    """Write what is to be done, as lines that can be pasted."""
    for note in getattr(error, "__notes__", ()):
        typer.echo(note, err=True)


@contextmanager
def quiet_flower() -> Iterator[None]:
    """Show only errors of Flower's log in the block, as in a notebook: a run tells by itself how it goes."""
    log = logging.getLogger("flwr")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def quiet_libraries(console: Console, verbose: bool = False) -> None:
    """Show fedasr's own warnings on the console, or all that it logs, and of other libraries only errors."""
    own = logging.getLogger("fedasr")
    if not own.handlers:
        handler: logging.Handler = logging.StreamHandler()
        if console.is_terminal:
            handler = RichHandler(console=console, show_time=False, show_path=False)
        own.addHandler(handler)
        if verbose:
            details.addHandler(handler)
        own.propagate = False
    logging.getLogger("flwr").setLevel(logging.ERROR)
    logging.getLogger("ray").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module="torch")
