"""A row run in this process, without whole commands, and the same row as a plain loop sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flwr.app import ArrayRecord, RecordDict
from flwr.serverapp.strategy import Strategy
from numpy.typing import NDArray

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.engine.assembly import Assembly, silo_host
from fedasr.engine.preparation import Prepared
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.row_spec import RowSpec
from fedasr.grid.in_process import InProcess
from fedasr.grid.silo_state import unpacked
from fedasr.grid.workers import Workers
from fedasr.messages.records import arrays_of
from fedasr.runs.row_folder import RowFolder
from fedasr.server import rounds
from fedasr.server.central import Central
from fedasr.server.own_models import ask_own_models
from fedasr.server.rounds import drive
from fedasr.silo.host import SiloHost
from fedasr.training.batches import training_batch
from fedasr.training.passes import shuffled_batches

from .plain_loops import Silos, Vector

Weights = Mapping[str, NDArray[np.floating]]
SEED = 4


@dataclass(frozen=True)
class Ran:
    """What a row left: its server's model, its strategy, what its silos keep, and who took part in each round."""

    weights: Weights
    strategy: Strategy
    states: Mapping[int, Weights]
    cohorts: tuple[tuple[int, ...], ...]

    @property
    def model(self) -> Vector:
        """The model as one vector."""
        return flat(self.weights)

    def kept(self, silo: int, record: str) -> Weights:
        """Return the arrays that a silo kept under a name."""
        state = unpacked(self.states[silo]) if silo in self.states else RecordDict()
        return arrays_of(state.array_records[record]) if record in state else {}


def start_of(prepared: Prepared) -> Weights:
    """Return the weights from which rows begin, unlike zero."""
    torch.manual_seed(0)
    return dict(sorted(Recogniser(prepared.recogniser_spec, prepared.tokens).weights().items()))


def run_row(prepared: Prepared, row: RowSpec, folder: Path, workers: Workers | None = None) -> Ran:
    """Run a row to its end, the model of its last round; what fails it is raised."""
    workers, prepared = workers or InProcess(), replace(prepared, experiment=prepared.experiment.only(scored="last"))
    parts = Assembly(prepared, row, SEED, start_of(prepared), RowFolder(folder / row.name), workers, Watcher())
    grid = parts.grid()
    central = parts.central(grid)
    with last_common() as told:
        weights = drive(parts.strategy, central.grid, central)
    states = {silo: dict(kept) for silo, kept in grid.silo_states()}
    return Ran(told[-1] if weights is None else weights, parts.strategy, states, tuple(_cohorts(parts)))


@contextmanager
def last_common() -> Iterator[list[Weights]]:
    """Note the server's last model of rows whose silos have their own."""
    told: list[Weights] = []

    def noting(central: Central, common: ArrayRecord) -> None:
        told.append(arrays_of(common))
        ask_own_models(central, common)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "ask_own_models", noting)
        yield told


def _cohorts(parts: Assembly) -> Iterator[tuple[int, ...]]:
    """Yield the silos that trained in each round."""
    trained = [m for m in parts.folder.messages() if m.direction == "up" and m.kind.startswith("train")]
    for round in range(1, parts.training.rounds + 1):
        yield tuple(sorted({m.silo for m in trained if m.round == round}))


def flat(weights: Weights) -> Vector:
    """Return weights as one vector, in the order of their names."""
    return np.concatenate([np.ravel(weights[name]).astype(np.float64) for name in sorted(weights)])


def shaped(vector: Vector, like: Weights) -> dict[str, Vector]:
    """Return a vector as weights of these names and shapes."""
    names = sorted(like)
    parts = np.split(vector, np.cumsum([like[name].size for name in names])[:-1])
    return {name: part.reshape(like[name].shape) for name, part in zip(names, parts, strict=True)}


@dataclass
class Gradients:
    """The gradient of each batch that the silos of a row draw, by autograd and nothing else of fedasr's training."""

    host: SiloHost
    stretch: int = 0
    _batches: dict[tuple[int, int], tuple[Iterator[Batch], list[Batch]]] = field(default_factory=dict)

    def __call__(self, silo: int, round: int, step: int, at: Vector) -> Vector:
        recogniser = self.host.recogniser
        recogniser.load(shaped(at, recogniser.weights()))
        named = dict(sorted(recogniser.named_parameters()))
        loss = recogniser.losses(self._batch(silo, round, step)).mean()
        found = torch.autograd.grad(loss, list(named.values()))
        return flat({name: part.numpy() for name, part in zip(named, found, strict=True)})

    def _batch(self, silo: int, round: int, step: int) -> Batch:
        coming, drawn = self._batches.setdefault((silo, round), (self._drawn(silo, round), []))
        while len(drawn) <= step:
            drawn.append(next(coming))
        return drawn[step]

    def _drawn(self, number: int, round: int) -> Iterator[Batch]:
        host, silo = self.host, self.host.silo(number)
        generator = host.dice(silo, round, self.stretch).batches
        while True:
            for indices in shuffled_batches(silo.speech, host.training.batch_size, generator):
                yield training_batch(silo.speech, indices, host.tokens, host.augment, generator)


def silos_of(prepared: Prepared, row: RowSpec, ran: Ran, **changes: Any) -> Silos:
    """Return the silos of a row as a plain loop sees them, with the cohorts that the row drew."""
    host = silo_host(prepared, row, SEED)
    training, count = host.training, len(prepared.partition.silos)
    assert training.gradient_norm == np.inf
    settled = {
        "gradient": Gradients(host), "sizes": [len(ids) for ids in prepared.partition.silos],
        "steps": [training.local_steps] * count, "cohorts": ran.cohorts, "rate": training.learning_rate,
        "momentum": training.momentum,
    }  # fmt: skip
    return Silos(**{**settled, **changes})


def optimum(silos: Silos) -> Vector:
    """Return where the mean of the silos' losses is least, each silo counting alike; for quadratics on whole silos."""
    count = len(silos.sizes)

    def mean(at: Vector) -> Vector:
        found: Vector = np.mean([silos.gradient(silo, 1, 0, at) for silo in range(count)], axis=0)
        return found

    size = 8  # of `least_squares`
    zero = mean(np.zeros(size))
    hessian = np.stack([mean(unit) - zero for unit in np.eye(size)])
    return np.linalg.solve(hessian, -zero)
