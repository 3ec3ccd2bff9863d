"""The same dice for every row: what it is called and where it stands changes no bit; no purpose is used twice."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from support.running import command
from support.unequal import run_unequal, stopped, unequal_table

from fedasr.common import randomness
from fedasr.common.randomness import Streams
from fedasr.experiment.experiment import Experiment

NOISE = {"noise_multiplier": 0.5, "clip_norm": 0.5}
SGD_STEPS = {"epsilon": 8.0, "batch_size": 2, "steps": 4}
POINTS: dict[str, dict[str, Any]] = {
    "fedavg": {"strategy": "fedavg", "training": {"silos_per_round": 3}},
    "dropping": {"strategy": "fedavgm", "network": "phones-4g", "training": {"least_replies": 0.0}},
    "gtc": {"strategy": "gtc", "options": {"density": 0.05}, "training": {"momentum": 0.5}},
    "ditto": {"strategy": "ditto"},
    "adam": {
        "strategy": "flwr.serverapp.strategy:FedAdam", "options": {"eta": 0.01}, "training": {"silos_per_round": 2},
    },
    "dp-fedavg": {"strategy": "dp-fedavg", "options": NOISE, "training": {"silos_per_round": 3}},
    "dp-sgd": {"strategy": "centralised", "protection": "dp-sgd", "protection_options": SGD_STEPS},
    "dp-sgd-silos": {
        "strategy": "fedavg", "protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 2},
    },
    "pate": {"strategy": "pate", "options": {"noise": 1.0, "teacher_steps": 2, "maximum_labels": 4, "epsilon": 500.0}},
}  # fmt: skip
AT_TEACHER = {
    "strategy": "pate",
    "options": {
        "mechanism": "noisy-mean", "noise": 0.05, "noise_at": "teacher", "server_sees": "mean",
        "teacher_steps": 2, "maximum_labels": 3, "epsilon": 5000.0, "teacher_start": "scratch",
    },
}  # fmt: skip
ONE = {"rounds": 2, "local_steps": 1}


def _rows(*names: str) -> list[dict[str, Any]]:
    """Return every point under each of some names, those of one point apart from each other."""
    return [{"name": f"{name}-{point}", **settings} for name in names for point, settings in POINTS.items()]


def _outcome(row: dict[str, Any]) -> tuple[Any, ...]:
    assert row["failure"] is None, (row["name"], row["failure"])
    keys = ("model_sha256", "wer", "development_loss", "uplink_bytes", "simulated_seconds")
    return tuple(row[key] for key in (*keys, "utterances", "public_utterances"))


@pytest.fixture(scope="module")
def named(unequal_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """Run each point under two names and, in another experiment by the command line, under a third in another order."""
    folder = tmp_path_factory.mktemp("named")
    more = {"reproducible_noise": True, "training": ONE}
    found = run_unequal(unequal_corpus, folder / "two", *_rows("a", "zz"), **more)
    third = Experiment.from_table(unequal_table(unequal_corpus, compare=_rows("M.3")[::-1], **more))
    (folder / "third.toml").write_text(third.to_toml())
    done = command("fedasr.simulate", folder / "third.toml", "--grid", "process", "--out", folder / "run", "--json")
    assert done.code == 0, done.err
    outcomes = defaultdict(list)
    for row in [*found, *json.loads(done.out)["rows"]]:
        outcomes[row["name"].partition("-")[2]].append(_outcome(row))
    return outcomes


@pytest.mark.parametrize("point", POINTS)
def test_a_row_is_the_same_under_three_names_and_in_another_order(
    point: str, named: dict[str, list[tuple[Any, ...]]]
) -> None:
    assert len(named[point]) == 3
    assert len(set(named[point])) == 1


def test_points_that_differ_end_differently(named: dict[str, list[tuple[Any, ...]]]) -> None:
    assert len({outcomes[0][0] for outcomes in named.values()}) == len(POINTS)


@pytest.mark.parametrize("point", ["dropping", "pate", "dp-sgd-silos"])
def test_a_row_that_was_stopped_goes_on_as_one_of_another_name(
    point: str, named: dict[str, list[tuple[Any, ...]]], unequal_corpus: Path, tmp_path: Path
) -> None:
    row = {"name": "resumed", **POINTS[point]}
    with stopped(1, is_saved=True):
        run_unequal(unequal_corpus, tmp_path / "run", row, reproducible_noise=True, training=ONE)
    (again,) = run_unequal(unequal_corpus, tmp_path / "run", row, reproducible_noise=True, training=ONE)
    assert _outcome(again) == named[point][0]


Draw = tuple[str, int, int]


class Recorder:
    """Notes which stream is drawn, from which line of which file, while some rows run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.draws: dict[Draw, set[str]] = defaultdict(set)
        real = Streams.sequence

        def sequence(streams: Streams, purpose: str, round: int = 0, silo: int = randomness.SERVER) -> Any:
            self.draws[purpose, round, silo].add(_site())
            return real(streams, purpose, round, silo)

        monkeypatch.setattr(Streams, "sequence", sequence)

    def of(self, *purposes: str) -> set[Draw]:
        """Return the streams that were drawn for purposes that begin so."""
        return {draw for draw in self.draws if draw[0].startswith(purposes)}


def _site() -> str:
    """Return the function that asked for a stream, by its file."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename == randomness.__file__ and frame.f_back is not None:
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{frame.f_code.co_name}"


SHARED = {
    "strategy": "a row is driven by one loop or the other, and its first round made again draws the same silos",
    "fresh weights": "weights of a shape are the same whether the server or a silo makes them",
    "bootstrap": "the same speakers are drawn again whoever scores",
}
"""Purposes that several places may draw for, and why that is no mistake."""


def test_no_purpose_is_used_twice(unequal_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Purposes of the experiment and of its rows stand in one namespace, silos of it and its server too."""
    recorder = Recorder(monkeypatch)
    rows = [*_rows("r"), {"name": "at-teacher", **AT_TEACHER}, {"name": "fedper", "strategy": "fedper",
            "options": {"own_layers": ["ctc.*"]}}, {"name": "alone", "strategy": "local-only"}]  # fmt: skip
    roles = {"teacher": {"units": 12}}
    found = run_unequal(unequal_corpus, tmp_path / "run", *rows, reproducible_noise=True, training=ONE, roles=roles)
    assert [row["name"] for row in found if row["failure"]] == []
    sites: dict[str, set[str]] = defaultdict(set)
    for (purpose, _, _), where in recorder.draws.items():
        sites[purpose] |= where
    assert {purpose: where for purpose, where in sites.items() if len(where) > 1 and purpose not in SHARED} == {}
    numbers = defaultdict(set)
    for purpose in sites:
        numbers[crc32(purpose.encode())].add(purpose)
    assert [purposes for purposes in numbers.values() if len(purposes) > 1] == []
    for expected in ("partition", "start", "initialisation", "local", "drop-out", "network", "asked", "student"):
        assert expected in sites, "the rows that are run draw for all that there is"


def test_rows_that_differ_in_one_thing_share_all_other_dice(
    unequal_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start, partition, batches, masks, sampling and drop-outs: all that is drawn, whatever the row does with it."""
    base = {"strategy": "fedavg", "network": "phones-4g", "training": {"silos_per_round": 3, "least_replies": 0.0}}
    others = [
        {}, {"options": {"weighting": "uniform"}}, {"codec": "int8"}, {"strategy": "fedopt"},
        {"training": {**base["training"], "learning_rate": 0.01}},  # type: ignore[dict-item]
    ]  # fmt: skip
    drawn, models, came = [], set(), []
    for place, change in enumerate(others):
        with monkeypatch.context() as patch:
            recorder = Recorder(patch)
            row = {"name": f"row{place}", **base, **change}
            (found,) = run_unequal(unequal_corpus, tmp_path / str(place), row, training=ONE)
        assert found["failure"] is None
        drawn.append(recorder.of(""))
        models.add(found["model_sha256"])
        lines = (tmp_path / str(place) / row["name"] / "traffic.jsonl").read_text().splitlines()
        came.append([(m["round"], m["silo"], m["direction"], m["audio_seconds"]) for m in map(json.loads, lines)])
    assert all(one == drawn[0] for one in drawn)
    assert all(one == came[0] for one in came), "the same silos are drawn, stay away, and read the same batches"
    assert len(models) == len(others)
    starts = [next((tmp_path / str(place) / "start").glob("*.safetensors")).read_bytes() for place in range(2)]
    assert starts[0] == starts[1]


def test_a_row_that_begins_from_another_draws_anew() -> None:
    """It would else meet the batches again that its parent was trained on, in the same order."""
    parent, child = Streams(3), Streams(3, generation=1)
    words = [s.sequence("local", 1, 0).generate_state(4).tolist() for s in (parent, child)]
    assert words[0] != words[1]
    assert not np.array_equal(parent.numpy("local").random(4), child.numpy("local").random(4))
