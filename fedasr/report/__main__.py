"""``python -m fedasr.report``: the page of a run anew, its table and figures, or what may be published of it."""

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
    table: Annotated[str | None, typer.Option(help="Print the comparison as latex, csv or markdown.")] = None,
    figures: Annotated[Path | None, typer.Option(help="A folder for the figures as PDF and SVG.")] = None,
) -> None:
    """Write the page of a run anew; or its table, its figures, what may be published of it.

    With --release the table and the figures show what may be published, too.
    """
    quiet_libraries(Console(stderr=True))
    from fedasr.report import write_page
    from fedasr.report.figure_files import write_figures
    from fedasr.report.publishing import publish
    from fedasr.report.tables.written import written_table
    from fedasr.runs.reading import read_run

    told = "" if table is None else written_table(read_run(run), table, release is not None)
    if release is not None:
        publish(run, release)
        typer.echo(f"published: {release}", err=table is not None)
    if figures is not None:
        written = write_figures(run, figures, release is not None)
        typer.echo(f"figures: {figures} ({len(written)} files)", err=table is not None)
    if table is None and figures is None and release is None:
        typer.echo(f"report: {write_page(run)}")
    typer.echo(told, nl=False)


if __name__ == "__main__":
    app()
