"""``python -m fedasr.conform``: run an algorithm in every runtime and compare what comes of it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from fedasr.common.console import OneLineCommand, echo_json, exits, quiet_libraries
from fedasr.common.errors import UserError

if TYPE_CHECKING:
    from fedasr.engine.conformity.outcome import Verdict

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(cls=OneLineCommand)
@exits
def main(
    algorithm: Annotated[list[str] | None, typer.Argument(help="A strategy's name, or module:Class.")] = None,
    options: Annotated[list[str] | None, typer.Option(help="KEY=VALUE, an option of the algorithm.")] = None,
    legs: Annotated[
        str, typer.Option(help="With commas between: process, ray-1, ray-2, ray-3, resumed, supernodes.")
    ] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE, such as training.rounds=5.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every strategy that is registered.")] = False,
    private: Annotated[bool, typer.Option(help="Also try each algorithm under DP-SGD.")] = True,
    seconds: Annotated[float | None, typer.Option(help="After which a leg is ended; by default minutes.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    child: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run an algorithm in process, on Ray, killed and resumed, with a silo that fails and on SuperNodes."""
    from fedasr import api
    from fedasr.engine.conformity.case import Case
    from fedasr.engine.conformity.legs import chosen_legs
    from fedasr.engine.conformity.trying import done_as_child, tried
    from fedasr.engine.request import parse_setting

    quiet_libraries(Console(stderr=True))
    if child is not None:
        sys.exit(done_as_child(child, api.run))
    if all_ and algorithm:
        raise UserError("--all is every registered strategy; leave out the names, or --all")
    if seconds is not None and not seconds > 0:
        raise UserError(f"--seconds must be above 0, not {seconds:g}")
    settings, given = dict(map(parse_setting, set_ or [])), dict(map(parse_setting, options or []))
    names = tuple(algorithm or ())
    case = Case.of_all(settings, private, seconds) if all_ else Case(names, given, settings, private, seconds)
    verdict = tried(case, chosen_legs(legs), lambda leg: typer.echo(f"{leg} …", err=True))
    _print(verdict, json_)
    if not verdict.holds:
        raise typer.Exit(1)


def _print(verdict: Verdict, json_: bool) -> None:
    if json_:
        echo_json({**asdict(verdict), "holds": verdict.holds, "differing": verdict.differing()})
        return
    table = Table("row", "disturbed by", "leg", "model_sha256", "bytes up", "bytes down", "refused")
    for t in sorted(verdict.trials, key=lambda trial: (trial.row, trial.group)):
        numbers = (t.uplink_bytes, t.downlink_bytes, t.refused_replies)
        table.add_row(t.row, t.group, t.leg, t.short, *("" if n is None else f"{n:,}" for n in numbers))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    for line in verdict.lines():
        typer.echo(line)


if __name__ == "__main__":
    app()
