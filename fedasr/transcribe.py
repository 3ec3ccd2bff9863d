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
    """Print what a trained model hears in each audio file, a line each, in the order given."""
    from fedasr.api import transcribe

    quiet_libraries(Console(stderr=True))
    for text in transcribe(model, audio, decoding):
        typer.echo(text)


if __name__ == "__main__":
    app()
