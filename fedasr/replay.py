"""``python -m fedasr.replay``: a finished run on another network and with more workers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from fedasr.common.console import OneLineCommand, echo_json, exits
from fedasr.common.errors import UserError

if TYPE_CHECKING:
    from fedasr.network.scaling import Landmarks
    from fedasr.runs.replayed.retiming import Replay

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(cls=OneLineCommand)
@exits
def main(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    network: Annotated[str, typer.Option(help="A preset's name, or a TOML file.")] = "cloud-2015",
    workers: Annotated[str, typer.Option(help="Numbers of workers, with commas between.")] = "16,64,256,1024,4096",
    topology: Annotated[
        str | None, typer.Option(help="server, all-to-all or ring; by default what messages and network tell.")
    ] = None,
    row: Annotated[list[str] | None, typer.Option(help="Only this row; may be repeated.")] = None,
    parameters: Annotated[int | None, typer.Option(help="Scale blobs and compute to a model of this size.")] = None,
    compute_seconds_per_step: Annotated[float | None, typer.Option(help="On a device of speed 1.")] = None,
    device_speed: Annotated[float | None, typer.Option(help="Relative to the machine that was measured.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Time a finished run on another network, and with more workers, without training again."""
    from fedasr.network.presets import build_network
    from fedasr.runs.replayed.retiming import Scenario, replay

    scenario = Scenario(
        build_network(network), _numbers(workers), tuple(row or ()), topology, parameters,
        compute_seconds_per_step, device_speed,
    )  # fmt: skip
    found = replay(run, scenario)
    if json_:
        echo_json(_as_json(found))
    else:
        _print(found)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise UserError(f"--workers {text}: must be whole numbers with commas between, such as 16,64") from None


def _as_json(found: Replay) -> dict[str, Any]:
    from fedasr.network.published import calibration, prediction_table

    fitted = {"calibration": asdict(calibration()), "published": [asdict(p) for p in prediction_table()]}
    return {**asdict(found), **fitted}


def _print(found: Replay) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = 140
    for table in (_run_table(found), _scaling_table(found), _prediction_table()):
        console.print(table)
    for marks in found.landmarks:
        for line in _sentences(marks):
            typer.echo(line)
    typer.echo("assumptions")
    for line in found.assumptions:
        typer.echo(f"  {line}")


def _run_table(found: Replay) -> Table:
    table = Table(title=f"The run as it was, on {found.network.name}", title_justify="left")
    for heading in ("row", "WER", "MB up", "MB down", "topology", "seconds", "compute", "waiting", "communication"):
        table.add_column(heading, justify="left" if heading in ("row", "topology") else "right")
    for row in found.rows:
        wer = "–" if row.wer is None else f"{row.wer:.1%}"
        megabytes = [f"{size / 1e6:,.1f}" for size in (row.uplink_bytes, row.downlink_bytes)]
        times = [f"{s:,.4g}" for s in (row.seconds, row.compute, row.waiting, row.communication)]
        table.add_row(row.name, wer, *megabytes, row.topology, *times)
    return table


def _scaling_table(found: Replay) -> Table:
    table = Table(title="The same data on N workers: seconds, speed-up (efficiency)", title_justify="left")
    table.add_column("row")
    for workers in [point.workers for curve in found.curves[:1] for point in curve.points]:
        table.add_column(f"{workers:,}", justify="right")
    for curve in found.curves:
        cells = [f"{p.seconds:,.3g} s\n{p.speedup:,.1f} ({p.efficiency:.0%})" for p in curve.points]
        table.add_row(curve.workload.name, *cells)
    return table


def _prediction_table() -> Table:
    from fedasr.network.published import mean_absolute_error, prediction_table

    error = mean_absolute_error()
    title = f"Published speed-ups; constants from 4 and 8 workers, mean error of the others {error:.1%}"
    table = Table("method", "workers", "published", "predicted", "error", title=title, title_justify="left")
    for p in prediction_table():
        error_cell = f"{p.error:+.1%}" + (" (fitted)" if p.fitted else "")
        table.add_row(p.method, str(p.workers), f"{p.published:g}", f"{p.predicted:.2f}", error_cell)
    return table


def _sentences(marks: Landmarks) -> list[str]:
    step, block, beyond = marks.step_row, marks.block_row, "more than 65,536"

    def count(workers: int | None) -> str:
        return beyond if workers is None else f"{workers:,}"

    return [
        f"{block} overtakes {step}: at {count(marks.crossover)} workers",
        f"largest useful number of workers (doubling gains 5%): {step} {count(marks.step_useful)}, "
        f"{block} {count(marks.block_useful)}",
        f"largest number of workers at efficiency 0.5: {step} {count(marks.step_half)}, "
        f"{block} {count(marks.block_half)}; four times the workers: {'yes' if marks.four_times else 'no'}",
        f"{block} on 64 workers does {marks.gain_at_published:.2f} times the work of {step} on 16 in the same time; "
        f"on 4N it does four times that of {step} on N from N = {count(marks.quarter_from)}",
    ]


if __name__ == "__main__":
    app()
