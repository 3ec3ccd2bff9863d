"""``python -m fedasr.transcribe``: print what a trained model hears in audio files, a line each."""

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
    model: Annotated[Path, typer.Argument(help="A row's folder, or a model.safetensors.")],
    audio: Annotated[list[Path], typer.Argument(help="WAV, FLAC, Ogg or MP3 files.")],
    decoding: Annotated[
        str | None,
        typer.Option(help="A decoder.safetensors or its folder, or 'greedy'; else the one that lies beside the model."),
    ] = None,
) -> None:
    """Print what a trained model hears in each audio file, a line each, in the order given.

    The line of a file that cannot be read is empty, and standard error says why.
    """
    from fedasr.corpora.faults import Fault, refusal
    from fedasr.engine.hearing import heard_in

    quiet_libraries(Console(stderr=True))
    heard = heard_in(model, audio, decoding)
    faults = [found for found in heard if isinstance(found, Fault)]
    told = refusal(faults, "files", len(heard), "leave them out, or mend them") if faults else None
    if told and len(faults) == len(heard):
        raise told
    for found in heard:
        typer.echo("" if isinstance(found, Fault) else found)
    if told:
        for line in told.lines:
            typer.echo(f"error: {line}", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
