"""Nodes that hold speech of their own: the bits of a simulation of the same silos, and no more than they allow."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.nodes import NodesHere

import fedasr
from fedasr.common.errors import RowError, UserError
from fedasr.common.files import read_lines
from fedasr.engine.conformity.case import Case
from fedasr.engine.conformity.super_nodes import SILOS, split_between_nodes
from fedasr.experiment.experiment import Experiment
from fedasr.grid.flower.flower_grid import FlowerWorkers
from fedasr.messages.kinds import OWN

SAME = ("model_sha256", "refused_replies", "silos", "rounds", "status", "epsilon")
EVERYTHING = ",".join(OWN)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nodes")


def _experiment(place: Path, strategy: str, **changes: Any) -> Experiment:
    experiment = Case((strategy,)).experiment(place, SILOS, is_whole=True, is_scored=False)
    return experiment.only(compare=(replace(experiment.compare[0], **changes),))


def _on_nodes(
    experiment: Experiment, folder: Path, configs: list[dict[str, Any]] | None = None, **config: Any
) -> tuple[dict[str, Any], NodesHere]:
    """Run the only row on nodes that hold one silo's speech each."""
    served, data = split_between_nodes(experiment, folder / "parts")
    given = [{"partition-id": n, "data": str(part), **config} for n, part in enumerate(data)]
    nodes = NodesHere(configs or given)
    (row,) = fedasr.run(served, out=folder / "run", grid=FlowerWorkers(nodes, 1.0)).rows
    return row, nodes


@pytest.mark.parametrize(
    ("strategy", "changes"),
    [
        ("fedavg", {}),
        ("fedavg", {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 1}}),
        ("gtc", {}),
        ("pate", {"options": {"noise": 1.0, "maximum_labels": 3}}),
        ("local-only", {}),
        ("centralised", {}),
        ("public-only", {}),
    ],
)
def test_each_node_with_its_own_speech_gives_the_bits_of_the_simulation(
    strategy: str, changes: dict[str, Any], place: Path, tmp_path: Path
) -> None:
    experiment = _experiment(place, strategy, **changes)
    (simulated,) = fedasr.run(experiment, out=tmp_path / "simulated", grid="process").rows
    row, _ = _on_nodes(experiment, tmp_path / "nodes", allow=EVERYTHING)
    assert row["failure"] is None
    assert {key: row[key] for key in SAME} == {key: simulated[key] for key in SAME}


def test_what_nodes_are_told_is_counted(place: Path, tmp_path: Path) -> None:
    _on_nodes(_experiment(place, "fedavg"), tmp_path)
    lines = read_lines(tmp_path / "run" / "fedavg" / "traffic.jsonl")
    told = [line for line in lines if line["kind"] in ("query.introduction", "query.agreement")]
    assert sorted((line["kind"], line["direction"], line["silo"]) for line in told) == sorted(
        (kind, way, silo)
        for kind in ("query.introduction", "query.agreement")
        for way in ("up", "down")
        for silo in (0, 1)
    )
    assert all(line["blob_bytes"] + line["envelope_bytes"] > 0 for line in told if line["kind"] == "query.introduction")
    down = [line for line in told if (line["kind"], line["direction"]) == ("query.introduction", "down")]
    assert all(line["blob_bytes"] > 1000 for line in down), "the public speech to vote on goes along"


def test_nothing_of_the_servers_files_goes_to_a_node(place: Path, tmp_path: Path) -> None:
    _, nodes = _on_nodes(_experiment(place, "fedavg"), tmp_path)
    kept = [str(context.state) for context in nodes.contexts.values()]
    assert not [text for text in kept if str(place) in text]


def test_a_node_gives_its_speech_to_no_server_that_it_does_not_allow(
    place: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Though the strategy says that it asks for it: the node's own configuration decides."""
    row, _ = _on_nodes(_experiment(place, "centralised"), tmp_path)
    assert row["status"] == "failed"
    assert "'query.speech'" in row["failure"]
    assert next(r.message for r in caplog.records if "query.speech" in r.message).startswith("silo 0 and 1 more: ")
    upward = [
        line for line in read_lines(tmp_path / "run" / "centralised" / "traffic.jsonl") if line["direction"] == "up"
    ]
    assert not [line for line in upward if line["kind"] == "query.speech"]


def test_a_node_answers_what_it_lists_alone(place: Path, tmp_path: Path) -> None:
    row, _ = _on_nodes(_experiment(place, "sync-sgd"), tmp_path, allow="train,query.label")
    assert row["status"] == "failed"
    assert "names query.label, train, not 'train.gradient'" in row["failure"]
    row, _ = _on_nodes(_experiment(place, "fedavg"), tmp_path / "other", allow="train")
    assert (row["status"], row["refused_replies"]) == ("finished", 0)


def test_one_node_that_does_not_train_costs_its_own_reply(place: Path, tmp_path: Path) -> None:
    experiment = _experiment(place, "fedavg")
    _, data = split_between_nodes(experiment, tmp_path / "parts")
    configs = [{"partition-id": n, "data": str(part)} for n, part in enumerate(data)]
    configs[1]["allow"] = "query.label"
    row, _ = _on_nodes(experiment, tmp_path / "nodes", configs)
    assert (row["status"], row["refused_replies"]) == ("finished", 2), "one in each of two rounds"


def test_how_much_a_silo_holds_stays_there_where_the_row_protects_it_as_a_whole(place: Path, tmp_path: Path) -> None:
    options = {"clip_norm": 0.5, "noise_multiplier": 0.5}
    experiment = _experiment(place, "fedavg", protection="silo-noise", protection_options=options)
    (simulated,) = fedasr.run(experiment, out=tmp_path / "simulated", grid="process").rows
    row, nodes = _on_nodes(experiment, tmp_path / "nodes")
    assert row["failure"] is None
    assert {key: row[key] for key in SAME} == {key: simulated[key] for key in SAME}
    told = [context.state["fedasr.node"]["smallest"] for context in nodes.contexts.values()]
    assert told == [1, 1]


@pytest.mark.parametrize(
    ("strategy", "changes", "kind", "told"),
    [
        ("fedavg", {}, "train", {"num-examples", "uniform", "loss", "audio-seconds", "cpu-seconds"}),
        (
            "fedavg", {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 1}},
            "train", {"num-examples", "uniform"},
        ),
        ("pate", {"options": {"noise": 1.0, "maximum_labels": 3}}, "train.teacher", {"num-examples"}),
        ("pate", {"options": {"noise": 1.0, "maximum_labels": 3}}, "query.label", set()),
        (
            "fedavg", {"protection": "silo-noise", "protection_options": {"clip_norm": 0.5, "noise_multiplier": 0.5}},
            "train", set(),
        ),
    ],
)  # fmt: skip
def test_a_node_says_nothing_of_its_speech_that_the_rows_guarantee_does_not_cover(
    strategy: str, changes: dict[str, Any], kind: str, told: set[str], place: Path, tmp_path: Path
) -> None:
    """No seconds of speech, no loss, no processor time; of its size how many utterances there are."""
    row, nodes = _on_nodes(_experiment(place, strategy, **changes), tmp_path)
    assert row["failure"] is None
    found = [names for name, names in nodes.told if name == kind]
    assert found
    assert all(names == told for names in found)
    introduced = [names for name, names in nodes.told if name == "query.introduction"]
    assert introduced == [{"utterances"}] * len(introduced)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "batches of"),
        (
            {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 1}},
            "its own log says",
        ),
    ],
)
def test_why_a_guarded_node_failed_stays_there(
    changes: dict[str, Any], said: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss that is no number tells of the speech that it is of."""

    def fail(*_: Any, **__: Any) -> None:
        raise FloatingPointError("batches of utterance an4-7 are no numbers")

    monkeypatch.setattr("fedasr.silo.train.local_steps", fail)
    row, nodes = _on_nodes(_experiment(place, "fedavg", **changes), tmp_path)
    assert row["status"] == "failed"
    assert said in row["failure"]
    reasons = [text for kind, names in nodes.told if kind == "train" for text in names]
    assert all(("an4-7" in text) == (not changes) for text in reasons)


def test_what_a_node_holds_out_is_neither_trained_on_nor_counted(place: Path, tmp_path: Path) -> None:
    """Of five and eleven utterances four and nine are left: the noise of DP-SGD is planned for four."""
    private = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 1}}
    experiment = Case(("fedavg",)).experiment(tmp_path / "speech", (5, 11), is_whole=True, is_scored=False)
    experiment = experiment.only(compare=(replace(experiment.compare[0], **private),))
    (simulated,) = fedasr.run(experiment, out=tmp_path / "simulated", grid="process").rows
    row, nodes = _on_nodes(experiment, tmp_path / "nodes")
    assert [context.state["fedasr.node"]["smallest"] for context in nodes.contexts.values()] == [4, 4]
    assert {key: row[key] for key in SAME} == {key: simulated[key] for key in SAME}
    whole = experiment.only(corpus=replace(experiment.corpus, held_out=0.0))
    (other,) = fedasr.run(whole, out=tmp_path / "whole", grid="process").rows
    assert other["epsilon_if_secure"] < row["epsilon_if_secure"]
    assert other["model_sha256"] != row["model_sha256"]


def test_silos_elsewhere_cannot_be_simulated(place: Path, tmp_path: Path) -> None:
    served, _ = split_between_nodes(_experiment(place, "fedavg"), tmp_path / "parts")
    with pytest.raises(UserError, match=r"corpus.partition.*flwr run"):
        fedasr.run(served, out=tmp_path / "run", grid="process")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"partition-id": 1}, "the node of silo 1 has no speech of its own"),
        ({"partition-id": 1, "data": "/nowhere"}, "the node of silo 1: UserError: /nowhere"),
        ({"partition-id": 5, "data": "/nowhere"}, "1 of 2 silos have no node after 1 s"),
    ],
)
def test_a_node_that_cannot_take_part_is_named(second: dict[str, Any], said: str, place: Path, tmp_path: Path) -> None:
    experiment = _experiment(place, "fedavg")
    _, data = split_between_nodes(experiment, tmp_path / "parts")
    with pytest.raises(RowError) as caught:
        _on_nodes(experiment, tmp_path / "nodes", [{"partition-id": 0, "data": str(data[0])}, second])
    assert said in str(caught.value)
    assert json.dumps(str(caught.value)).count("\\n") == 0
