"""``python -m fedasr.engine.reference``: write the reference of the experiment file, and of what others may rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fedasr.common.console import OneLineCommand, exits
from fedasr.common.files import write_bytes
from fedasr.engine.reference.contract import contract_page
from fedasr.engine.reference.json_schema import experiment_schema
from fedasr.engine.reference.page import reference_page

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def written() -> dict[str, str]:
    """Return the content of each file by its name."""
    schema = json.dumps(experiment_schema(), indent=1, ensure_ascii=False)
    return {"api.md": contract_page(), "experiment.md": reference_page(), "experiment.schema.json": schema + "\n"}


@app.command(cls=OneLineCommand)
@exits
def main(out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("docs/reference")) -> None:
    """Write the page and the JSON schema of the experiment file, with all that the installed packages register."""
    for name, content in written().items():
        write_bytes(out / name, content.encode())
        typer.echo(out / name)


if __name__ == "__main__":
    app()
