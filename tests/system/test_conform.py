"""``python -m fedasr.conform``: every strategy has one hash in every runtime, and what has two is found out."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.running import command

from fedasr import api
from fedasr.common.errors import RowError
from fedasr.engine.conformity import super_nodes
from fedasr.engine.conformity.case import Case
from fedasr.engine.conformity.legs import in_workers
from fedasr.engine.conformity.outcome import FAILING, PRIVATE, Trial, Verdict
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.strategy_options import STRATEGIES
from fedasr.grid.in_process import InProcess
from fedasr.grid.workers import Workers

STRATEGY = """
import os
from fedasr.messages.records import array_record, arrays_of
from flwr.serverapp.strategy import FedAvg

class Nudged(FedAvg):
    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        return array_record({name: a + self.nudge() for name, a in arrays_of(arrays).items()}), metrics

    def nudge(self):
        return 0.001

class ByProcess(Nudged):
    def nudge(self):
        return os.getpid() * 1e-9

class Endless(Nudged):
    def nudge(self):
        while True:
            pass
"""


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    """Run every shipped strategy in this process and on two workers, undisturbed and with a silo that fails."""
    from fedasr.grid.ray.pool import RayWorkers

    folder = tmp_path_factory.mktemp("conform")
    cases = {"all": Case.of_all({}, is_private=False), "private": Case(("fedavg",))}

    def runs(leg: str, workers: Workers) -> list[Trial]:
        return [t for name, case in cases.items() for t in in_workers(case, folder / name, leg, api.run, workers)]

    with closing(RayWorkers(2)) as workers:
        return runs("process", InProcess()) + runs("ray-2", workers)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with strategies that no package holds."""
    (tmp_path / "elsewhere.py").write_text(STRATEGY)
    return tmp_path


@pytest.mark.parametrize("row", [*sorted(STRATEGIES.known()), f"fedavg{PRIVATE}"])
def test_a_shipped_strategy_has_one_hash_each(row: str, trials: list[Trial]) -> None:
    own = [trial for trial in trials if trial.row == row]
    assert {t.leg for t in own} == {"process", "ray-2"}
    verdict = Verdict(tuple(own))
    assert verdict.holds, verdict.lines()
    bytes_moved = {(t.group, t.uplink_bytes, t.downlink_bytes, t.refused_replies) for t in own}
    assert len(bytes_moved) == 2, "a row has the same bytes and refusals in either runtime"


def test_the_silo_that_fails_makes_a_difference(trials: list[Trial]) -> None:
    ends = {(t.row, t.group): t.end for t in trials}
    for row in ("fedavg", "bmuf", "sync-sgd", "gtc", "local-only", "fedavg+dp-sgd"):
        assert ends[row, "undisturbed"] != ends[row, FAILING], row
    votes = {trial.group: trial.uplink_bytes for trial in trials if trial.row == "pate"}
    assert votes[FAILING] < votes["undisturbed"], "one voter fewer need not change what is voted"


def _conform(*arguments: object, cwd: Path | None = None) -> tuple[int, dict[str, Any]]:
    done = command("fedasr.conform", *arguments, "--json", cwd=cwd)
    assert done.code in (0, 1), done.err
    return done.code, json.loads(done.out)


def test_three_families_end_alike_whatever_happens() -> None:
    """Rounds of models, rounds of coded gradients, and votes."""
    code, verdict = _conform("bmuf", "gtc", "pate", "--legs", "process,ray-3,resumed", "--no-private")
    assert code == 0, verdict["differing"]
    assert not verdict["skipped"]
    legs = {(trial["row"], trial["leg"]) for trial in verdict["trials"]}
    assert legs == {(row, leg) for row in ("bmuf", "gtc", "pate") for leg in ("process", "ray-3", "resumed")}


@pytest.mark.timeout(900)
def test_super_nodes_with_speech_of_their_own_end_as_the_simulation() -> None:
    code, verdict = _conform("sync-sgd", "centralised", "--legs", "supernodes", "--no-private")
    assert code == 0, verdict
    legs = {(trial["row"], trial["leg"]) for trial in verdict["trials"]}
    assert legs == {(row, leg) for row in ("sync-sgd", "centralised") for leg in ("process", "supernodes")}


def test_a_row_without_end_on_super_nodes_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next is run, and each has its share of the time that is allowed."""
    limits = []

    def ended(name: str) -> dict[str, Any]:
        numbers = dict.fromkeys(("failure", "uplink_bytes", "downlink_bytes", "refused_replies"))
        return {"name": name, "model_sha256": "ab" * 32, **numbers}

    class Link(nullcontext[Any]):
        def __init__(self, *_: object) -> None:
            super().__init__(self)

        def run(self, config: dict[str, str], seconds: float) -> str:
            limits.append(seconds)
            if config["row"] == "fedavg":
                raise RowError("it took more than it may")
            if config["row"] == "gtc":
                Path(config["out"]).mkdir(parents=True)
                (Path(config["out"]) / "summary.json").write_text(json.dumps({"rows": [ended("gtc")]}))
            return "no word"

    monkeypatch.setattr(super_nodes, "SuperLink", Link)
    case = Case(("fedavg", "gtc", "scaffold"), is_private=False, seconds=3000.0)

    def simulated(experiment: Experiment, **_: object) -> Any:
        return SimpleNamespace(rows=[ended(row.name) for row in experiment.compare])

    verdict = Verdict(tuple(super_nodes.on_super_nodes(case, tmp_path, "supernodes", simulated)))
    assert limits == [1000.0] * 3
    assert not verdict.holds
    fails = {t.row: t.failure for t in verdict.trials if t.leg == "supernodes"}
    assert fails == {
        "fedavg": "it took more than it may", "gtc": None, "scaffold": "flwr run left no summary: no word",
    }  # fmt: skip


def test_a_strategy_from_outside_is_tried_and_one_that_differs_is_found_out(outside: Path) -> None:
    legs = ("--legs", "process,resumed", "--no-private")
    code, verdict = _conform("elsewhere:Nudged", "elsewhere:ByProcess", *legs, cwd=outside)
    assert code == 1
    assert {(trial["row"], trial["leg"]) for trial in verdict["trials"]} >= {
        ("nudged", "process"),
        ("nudged", "resumed"),
    }
    assert {line.split(",")[0] for line in verdict["differing"]} == {"byprocess"}


def test_a_leg_without_end_is_ended(outside: Path) -> None:
    done = command(
        "fedasr.conform", "elsewhere:Endless", "--legs", "process", "--seconds", 12, "--no-private", cwd=outside
    )
    assert done.code == 1
    assert "process did not run: it was ended after 12 s" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name an algorithm"),
        (["fedavgg"], "did you mean 'fedavg'"),
        (["nowhere:Nothing"], "nowhere"),
        (["fedavg", "--legs", "rai-2"], "did you mean 'ray-2'"),
        (["fedavgm", "--options", "momentun=0.5"], "did you mean 'momentum'"),
        (["fedavg", "--options", "momentum"], "write KEY=VALUE"),
        (["fedavg", "--set", "training.round=3"], "did you mean 'rounds'"),
        (["fedavgm", "bmuf", "--options", "momentum=0.5"], "--options are of one algorithm"),
        (["fedavg", "--all"], "--all"),
        (["fedavg", "--seconds", "0"], "--seconds"),
    ],
)
def test_a_wrong_request_is_one_line(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    from fedasr.conform import app

    with pytest.raises(SystemExit) as exit_:
        app(arguments)
    found = capfd.readouterr()
    assert (exit_.value.code, found.out) == (2, "")
    assert found.err.count("\n") == 1, found.err
    assert said in found.err
