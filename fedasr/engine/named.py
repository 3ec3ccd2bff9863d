"""What an experiment names: folders, strategies, objectives, codecs, networks, protections, heads, checked at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from fedasr.asr.heads.head import HEADS
from fedasr.common.errors import UserError, told_of
from fedasr.experiment.choices import named_codec, objective_of, protection_of
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.network import build_network
from fedasr.runs.file_names import OF_THE_RUN
from fedasr.server.client_of import client_of
from fedasr.server.protected.coverage import boundary_protection
from fedasr.server.strategies_by_name import build_strategy

MOST_SILOS = 10**6
"""More silos than any row draws: how many there are is known only once the corpus is divided."""


def refusals(rows: Iterable[RowSpec]) -> list[str]:
    """Return all that is wrong with what rows name and with the options they give it, a line each."""
    return list(dict.fromkeys(line for row in rows for check in _checks(row) for line in _refused(check)))


def unsuited(experiment: Experiment) -> list[str]:
    """Return which client halves are not there, or not stated for their row's local training, a line each."""
    return [line for row in experiment.compare for line in _refused(partial(_client, experiment, row))]


def _client(experiment: Experiment, row: RowSpec) -> None:
    training = experiment.training_of(row)
    client_of(row, build_strategy(row, training, MOST_SILOS), training)


def untrainable(experiment: Experiment) -> list[str]:
    """Return which heads cannot be trained here and why, a line each; what is trained already can still be used."""
    places = {f"roles.{role}": experiment.model_of(role) for role in experiment.roles} | {"model": experiment.model}
    heads = {model.head: place for place, model in places.items()}
    reasons = {head: HEADS.find(head).untrainable() for head in heads}
    return [f"{heads[head]}.head is '{head}': {reason}" for head, reason in reasons.items() if reason]


def _checks(row: RowSpec) -> Iterable[Callable[[], object]]:
    yield partial(_folder, row)
    yield partial(build_strategy, row, TrainingSpec(), MOST_SILOS)
    yield partial(objective_of, row)
    yield partial(named_codec, row)
    yield partial(_network, row)
    yield partial(protection_of, row)
    yield partial(_boundary, row)


def _refused(check: Callable[[], object]) -> tuple[str, ...]:
    try:
        check()
    except UserError as error:
        return error.lines
    return ()


def _folder(row: RowSpec) -> None:
    if row.name in OF_THE_RUN:
        raise UserError(f"compare.{row.name}.name: '{row.name}' names a part of the run folder; choose another")


def _boundary(row: RowSpec) -> None:
    """Refuse a strategy that a protection at the boundary does not cover; what cannot be built is told elsewhere."""
    try:
        strategy = build_strategy(row, TrainingSpec(), MOST_SILOS)
        protection_of(row)
    except UserError:
        return
    boundary_protection(row, strategy)


def _network(row: RowSpec) -> None:
    with told_of(f"compare.{row.name}.network"):
        build_network(row.network)
