"""``python -m fedasr.privacy``: what votes and DP-SGD cost, and what a target allows."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import click
import typer
from rich.console import Console
from typer.core import TyperGroup

from fedasr.common.console import OneLineCommand, echo_json, exits
from fedasr.common.errors import nearest
from fedasr.privacy.accounting.calibration import Target
from fedasr.privacy.accounting.conversion import checked_conversion
from fedasr.privacy.accounting.feasibility import Study, checked_unit, plan
from fedasr.privacy.adjacency import checked_adjacency
from fedasr.privacy.answers import dpsgd_answer, mean_answer, parsed_orders, pate_answer, voting_mechanism
from fedasr.privacy.noise import SecureNoise
from fedasr.privacy.printed import Printed, dpsgd_tables, mean_tables, pate_tables, plan_tables


class OneLineGroup(TyperGroup):
    """A group that answers a command it does not know in one line."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            typer.echo(f"error: no command '{args[0]}'{nearest(args[0], self.list_commands(ctx))}", err=True)
            sys.exit(2)


app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, cls=OneLineGroup, no_args_is_help=True,
    help="What votes and DP-SGD cost in privacy, and what a target allows.",
)  # fmt: skip

Delta = Annotated[float, typer.Option(help="δ of the guarantee, such as 1e-5.")]
AdjacencyOption = Annotated[str, typer.Option(help="replace-one or add-remove.")]
ConversionOption = Annotated[
    str,
    typer.Option(help="To ε: exact, the smallest bound that is proven; classic or improved, from Rényi divergences."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


@app.command(cls=OneLineCommand)
@exits
def pate(
    votes: Annotated[Path, typer.Argument(help="Integer array (votes, classes), written by numpy.save.")],
    mechanism: Annotated[str, typer.Option(help="gnmax, lnmax or confident-gnmax.")],
    delta: Delta,
    sigma: Annotated[float | None, typer.Option(help="Noise of an answer (gnmax, confident-gnmax).")] = None,
    scale: Annotated[float | None, typer.Option(help="λ of the Laplace noise (lnmax).")] = None,
    threshold: Annotated[float | None, typer.Option(help="Votes needed to answer (confident-gnmax).")] = None,
    sigma_threshold: Annotated[float | None, typer.Option(help="Noise of that check (confident-gnmax).")] = None,
    adjacency: AdjacencyOption = "replace-one",
    orders: Annotated[str, typer.Option(help="Rényi orders to print; ε is minimised over all.")] = "2,8,32",
    conversion: ConversionOption = "exact",
    json_: AsJson = False,
) -> None:
    """Print what answering all VOTES costs. The data-dependent ε is itself private: show the sanitised one."""
    made = voting_mechanism(mechanism, sigma=sigma, scale=scale, threshold=threshold, sigma_threshold=sigma_threshold)
    answer = pate_answer(
        votes, made, delta, checked_adjacency(adjacency), parsed_orders(orders), checked_conversion(conversion),
        SecureNoise(),
    )  # fmt: skip
    _print(answer, json_, pate_tables)


@app.command(cls=OneLineCommand)
@exits
def mean(
    teachers: Annotated[int, typer.Option(min=1, help="Teachers whose posteriors are averaged.")],
    sigma: Annotated[float, typer.Option(help="Standard deviation of the noise on the mean.")],
    releases: Annotated[int, typer.Option(min=0, help="Vectors that are released.")],
    delta: Delta,
    adjacency: AdjacencyOption = "replace-one",
    conversion: ConversionOption = "exact",
    json_: AsJson = False,
) -> None:
    """Print what noisy means of posteriors cost: to who sees the mean alone, and to who sees each teacher's vector."""
    answer = mean_answer(
        teachers, sigma, releases, delta, checked_adjacency(adjacency), checked_conversion(conversion)
    )  # fmt: skip
    _print(answer, json_, mean_tables)


@app.command(cls=OneLineCommand)
@exits
def dpsgd(
    examples: Annotated[int, typer.Option(min=1, help="Private examples.")],
    batch: Annotated[float, typer.Option(help="Expected batch, drawn by Poisson sampling.")],
    epochs: Annotated[float, typer.Option(help="Expected passes over the examples.")],
    noise_multiplier: Annotated[float, typer.Option(help="Noise over the clipping norm.")],
    delta: Delta,
    conversion: ConversionOption = "exact",
    json_: AsJson = False,
) -> None:
    """Print what DP-SGD costs, add-remove, by Rényi divergences and by privacy-loss distributions."""
    answer = dpsgd_answer(examples, batch, epochs, noise_multiplier, delta, checked_conversion(conversion))
    _print(answer, json_, dpsgd_tables)


@app.command("plan", cls=OneLineCommand)
@exits
def plan_(
    epsilon: Annotated[float, typer.Option(help="The target.")],
    delta: Delta,
    silos: Annotated[int, typer.Option(help="Data holders: one teacher each.")],
    utterances: Annotated[int, typer.Option(help="Private utterances a silo.")],
    public_utterances: Annotated[int, typer.Option(help="Public utterances to be voted on.")],
    labels: Annotated[int, typer.Option(help="Labels an utterance.")],
    unit: Annotated[str, typer.Option(help="utterance, speaker or silo.")] = "silo",
    adjacency: AdjacencyOption = "replace-one",
    conversion: ConversionOption = "exact",
    json_: AsJson = False,
) -> None:
    """Print the noise that each mechanism needs for a target, and what can be afforded at a usable noise."""
    study = Study(checked_unit(unit), silos, utterances, public_utterances, labels)
    target = Target(epsilon, delta, checked_adjacency(adjacency), checked_conversion(conversion))
    answer = {
        "target": dataclasses.asdict(target),
        "question": dataclasses.asdict(study),
        "plans": [dataclasses.asdict(made) for made in plan(study, target)],
    }
    _print(answer, json_, plan_tables)


def _print(answer: dict[str, Any], json_: bool, tables: Callable[[dict[str, Any]], Printed]) -> None:
    if json_:
        echo_json(answer)
        return
    console = Console()
    for table in tables(answer):
        console.print(table, highlight=False)


if __name__ == "__main__":
    app(prog_name="python -m fedasr.privacy")
