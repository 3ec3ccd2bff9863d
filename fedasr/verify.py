"""``python -m fedasr.verify``: compute again what a run folder says, from the folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedasr.common.console import OneLineCommand, echo_json, exits

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(cls=OneLineCommand)
@exits
def main(
    run: Annotated[Path, typer.Argument(help="The folder of a run that has ended.")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Compute again every figure of a run; the exit code is 1 where one differs."""
    from fedasr.verification.officer_page import as_json, page
    from fedasr.verification.verdict import verify

    found = verify(run)
    if json_:
        echo_json(as_json(found))
    else:
        typer.echo(page(found), nl=False)
    raise typer.Exit(1 if found.wrong else 0)


if __name__ == "__main__":
    app()
