"""``python -m fedasr.report``: the page of a run anew, or a folder of what may be published of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fedasr.common.console import OneLineCommand, exits, quiet_libraries

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(cls=OneLineCommand)
@exits
def main(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    release: Annotated[
        Path | None,
        typer.Option(help="A new folder for what may be published: page, models, ledgers, hypotheses of test speech."),
    ] = None,
) -> None:
    """Write the page of a run anew, or what may be published of it into a folder of its own."""
    quiet_libraries(Console(stderr=True))
    from fedasr.report import write_page
    from fedasr.report.publishing import publish

    if release is None:
        typer.echo(f"report: {write_page(run)}")
        return
    publish(run, release)
    typer.echo(f"published: {release}")


if __name__ == "__main__":
    app()
