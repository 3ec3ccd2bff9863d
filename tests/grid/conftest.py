"""One pool of Ray actors for all tests of grids: starting Ray takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ray import cloudpickle
from support import toys

from fedasr.grid.in_process import InProcess
from fedasr.grid.ray.pool import RayWorkers
from fedasr.grid.workers import Workers

# Actors cannot import test modules.
cloudpickle.register_pickle_by_value(toys)


@pytest.fixture(scope="package")
def pool(_surroundings: None) -> Iterator[RayWorkers]:
    workers = RayWorkers(3)
    yield workers
    workers.close()


WorkersNamed = Callable[[str], Workers]


@pytest.fixture
def workers_named(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> WorkersNamed:
    """Return ``"process"``, or ``"ray 2"``: the pool with so many of its actors at work."""

    def named(name: str) -> Workers:
        if name == "process":
            return InProcess()
        pool: RayWorkers = request.getfixturevalue("pool")
        monkeypatch.setattr(pool, "count", int(name.split()[1]))
        return pool

    return named


@pytest.fixture(params=["process", "ray 2"])
def workers(request: pytest.FixtureRequest, workers_named: WorkersNamed) -> Workers:
    return workers_named(request.param)
