"""``python -m fedasr.simulate``: run an experiment and compare its strategies."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fedasr.common.console import OneLineCommand, exits, quiet_libraries
from fedasr.common.environment import cores

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class SettingsCommand(OneLineCommand):
    """A command whose settings are no options of its own: who gives one as an option is told how it is set."""

    def meant(self, option: str) -> list[str]:
        from fedasr.common.settings.values import keys_within, kinds_of
        from fedasr.experiment.experiment import Experiment
        from fedasr.experiment.row_spec import RowSpec

        key = option.lstrip("-").replace("-", "_")
        own = [key] if key in kinds_of(Experiment) else []
        of_row = [f"compare.NAME.{key}"] if key in kinds_of(RowSpec) else []
        return [f"--set {found}=…" for found in [*own, *keys_within(Experiment, key), *of_row]]


@app.command(cls=SettingsCommand)
@exits
def main(
    experiment: Annotated[str | None, typer.Argument(help="A shipped experiment's name, or a TOML file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Where the corpus is (sets corpus.path).")] = None,
    strategy: Annotated[
        list[str] | None, typer.Option(help="Only this row; or add a row: a strategy's name or module:Class.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE, such as training.learning_rate=0.2.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="The seed; several make several rows of each.")] = None,
    draw: Annotated[list[int] | None, typer.Option(help="Only this draw of the speakers; or several.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run folder.")] = None,
    grid: Annotated[str, typer.Option(help="ray or process.")] = "ray",
    workers: Annotated[int | None, typer.Option(help="Ray actors; by default one a core.")] = None,
    address: Annotated[str | None, typer.Option(help="Address of a Ray cluster.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print summary.json and nothing else.")] = False,
    release: Annotated[bool, typer.Option(help="Leave out of the page what no real party would see.")] = False,
    results: Annotated[
        Path | None, typer.Option(help="Also write each draw's result to this folder: draw-N.json, small, to be kept.")
    ] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Also write TensorBoard scalars to this folder.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show all that goes into log.txt.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Name experiments and strategies.")] = False,
) -> None:
    """Train recognisers across silos by several strategies and compare them."""
    if list_:
        return _print_list()
    from fedasr.api import run
    from fedasr.engine.request import requested
    from fedasr.engine.watchers.tensorboard import Watchers
    from fedasr.runs.draw_results import check_results, write_results
    from fedasr.runs.lock import going_on

    wanted = requested(experiment, data, strategy or [], set_ or [], seed or [], resume, draw or [])
    if results:
        check_results(results, wanted)
    console = Console(stderr=True)
    others = [_tracker(tensorboard)] if tensorboard else []
    quiet_libraries(console, verbose)
    again = _again(
        {
            "--data": data if resume else None, "--grid": grid if grid != "ray" else None, "--workers": workers,
            "--address": address, "--results": results, "--tensorboard": tensorboard,
        },
        (set_ or []) if resume else [], release,
    )  # fmt: skip
    with _going_on_by(again), _watcher(console) as watcher:
        result = run(
            wanted, out=out, resume=resume, grid=grid, workers=cores() if workers is None else workers, address=address,
            watcher=Watchers([watcher, *others]), release=release,
        )  # fmt: skip
    if results:
        write_results(result.folder, results, ["python", "-m", "fedasr.simulate", *sys.argv[1:]])
    _print_result(result.folder, json_)
    if result.failed:
        typer.echo(" ".join([going_on(result.folder), *again]), err=True)
        raise typer.Exit(1)


def _again(options: Mapping[str, object], settings: Sequence[str], release: bool) -> list[str]:
    """Return the options that a command which goes on needs once more, as they are typed.

    What a new run was given stands in its folder; what changed an older one, or says where and how it works, does not.
    """
    given = [
        *((name, value) for name, value in options.items() if value is not None),
        *(("--set", s) for s in settings),
    ]
    return [*(f"{name} {shlex.quote(str(value))}" for name, value in given), *(["--release"] if release else [])]


@contextmanager
def _going_on_by(options: Sequence[str]) -> Iterator[None]:
    """Add options to the command by which a run goes on that is interrupted here."""
    from fedasr.runs.lock import RESUME

    try:
        yield
    except BaseException as error:
        notes = getattr(error, "__notes__", ())
        error.__notes__ = [" ".join([note, *options]) if note.startswith(RESUME) else note for note in notes]
        raise


def _watcher(console: Console) -> Any:
    from fedasr.engine.watchers.terminal import LiveWatcher, PlainWatcher

    return LiveWatcher(console) if console.is_terminal else nullcontext(PlainWatcher(console))


def _tracker(folder: Path) -> Any:
    from fedasr.engine.watchers.tensorboard import TensorBoardWatcher

    return TensorBoardWatcher(folder)


def _print_result(folder: Path, json_: bool) -> None:
    from fedasr.runs.file_names import REPORT, SUMMARY

    if json_:
        typer.echo((folder / SUMMARY).read_text(encoding="utf-8"), nl=False)
        return
    from fedasr.report import plain_table, read_run, table

    console = Console()
    data = read_run(folder)
    if console.is_terminal:
        console.print(table(data))
    else:
        typer.echo(plain_table(data))
    typer.echo(f"report: {folder / REPORT}")


def _print_list() -> None:
    from fedasr.experiment.experiment import Experiment
    from fedasr.experiment.finding import shipped_experiments
    from fedasr.experiment.strategy_options import STRATEGIES

    typer.echo("experiments")
    for name in shipped_experiments():
        rows = ", ".join(row.name for row in Experiment.load(name).compare)
        typer.echo(f"  {name:<18} {rows}")
    typer.echo("strategies (or any Flower strategy as module:Class)")
    for name, path in STRATEGIES.known().items():
        typer.echo(f"  {name:<18} {path}")


if __name__ == "__main__":
    app()
