"""``python -m fedasr.evaluate``: score a trained model on the speech of a manifest, or of its own run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from fedasr.common.console import OneLineCommand, echo_json, exits, quiet_libraries
from fedasr.common.errors import UserError

if TYPE_CHECKING:
    from fedasr.corpora.columns import Columns

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(cls=OneLineCommand)
@exits
def main(
    model: Annotated[Path, typer.Argument(help="A row's folder, or a model.safetensors.")],
    manifest: Annotated[
        Path | None, typer.Argument(help="A manifest, a table or a corpus of another --kind; else the run's own.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="The form of the corpus, as corpus.kind names it; else by the file's name.")
    ] = None,
    subset: Annotated[str | None, typer.Option(help="A part of the corpus, by its own name for it.")] = None,
    columns: Annotated[
        str | None, typer.Option(help="What a table calls its columns: audio=path,text=sentence,speaker=client.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Where the speech of the run lies now, if it was moved.")] = None,
    decoding: Annotated[
        str | None,
        typer.Option(help="A decoder.safetensors or its folder, or 'greedy'; else the one that lies beside the model."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print everything, hypotheses too, as JSON.")] = False,
) -> None:
    """Score a trained model on the speech of a manifest, or on the test speakers of its own run."""
    from fedasr.api import evaluate

    quiet_libraries(Console(stderr=True))
    found = _columns(columns) if columns is not None else None
    scores = evaluate(model, manifest, data=data, decoding=decoding, kind=kind, subset=subset, columns=found)
    if json_:
        echo_json(scores)
    else:
        typer.echo(_plain(scores))


def _columns(text: str) -> Columns:
    """Return the columns of a table from ``audio=path,text=sentence``."""
    from fedasr.common.settings import from_table
    from fedasr.corpora.columns import Columns

    pairs = [part.partition("=") for part in text.split(",")]
    if not all(equals and name for name, equals, _ in pairs):
        raise UserError(f"--columns {text}: write them as audio=path,text=sentence,speaker=client")
    return from_table(Columns, {name.strip(): column.strip() for name, _, column in pairs}, "--columns")


def _plain(scores: dict[str, Any]) -> str:
    return (
        f"WER {scores['wer']:.1%} ({_interval(scores)}), "
        f"CER {scores['cer']:.1%}, {scores['utterances']} utterances: {scores['insertions']} insertions, "
        f"{scores['deletions']} deletions, {scores['substitutions']} substitutions{_decoded(scores)}"
    )


def _decoded(scores: dict[str, Any]) -> str:
    if "wer_decoded" not in scores:
        return ""
    low, high = scores["wer_decoded_low"], scores["wer_decoded_high"]
    ends = "" if low is None else f" (95%: {low:.1%} to {high:.1%})"
    return f"; decoded: WER {scores['wer_decoded']:.1%}{ends}"


def _interval(scores: dict[str, Any]) -> str:
    if scores["wer_low"] is not None:
        return f"95%: {scores['wer_low']:.1%} to {scores['wer_high']:.1%}"
    is_named = all(line["speaker"] is not None for line in scores["hypotheses"])
    return "no interval: one speaker" if is_named else "no interval over speakers: not every line names one"


if __name__ == "__main__":
    app()
