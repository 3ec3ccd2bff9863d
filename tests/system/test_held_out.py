"""Evaluation in the silos, as Flower's strategies ask for it: answered, counted and reported, or refused."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid
from flwr.serverapp.strategy import DifferentialPrivacyServerSideFixedClipping, FedAvg
from support.unequal import stopped, unequal_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.common.files import read_lines
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import Run

FLOWER = "flwr.serverapp.strategy:"
PRIVATE = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 1, "clip_norm": 0.5}}
SEEN: list[list[dict[str, Any]]] = []


class Always(FedAvg):
    """Evaluates whatever its options say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "fraction_evaluate": 1.0})


class Wrapping(DifferentialPrivacyServerSideFixedClipping):
    """Evaluates as what it wraps does."""

    def __init__(self) -> None:
        super().__init__(Always(), noise_multiplier=0.0, clipping_norm=1.0, num_sampled_clients=4)


class Evaluating(FedAvg):
    """Evaluates by a method of its own, and looks at every reply."""

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        content = next(iter(self.configure_train(server_round, arrays, config, grid))).content
        return [Message(content, node, "evaluate") for node in grid.get_node_ids()]

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> Any:
        good = [dict(reply.content.metric_records["metrics"]) for reply in replies]
        SEEN.append(good)
        return super().aggregate_evaluate(server_round, replies)


def _run(corpus: Path, folder: Path, row: dict[str, Any], held_out: float = 0.5, **changes: Any) -> dict[str, Any]:
    table = unequal_table(corpus, compare=[{"name": "row", **row}], **changes)
    table["corpus"]["held_out"] = held_out
    place = {"resume" if folder.exists() else "out": folder}
    (found,) = fedasr.run(Experiment.from_table(table), grid="process", **place).rows  # type: ignore[arg-type]
    return found


def test_every_silo_is_heard_and_the_round_tells_what_the_strategy_makes_of_it(
    unequal_corpus: Path, tmp_path: Path
) -> None:
    SEEN.clear()
    row = _run(unequal_corpus, tmp_path / "run", {"strategy": f"{__name__}:Evaluating"})
    assert row["status"] == "finished", row["failure"]
    lines = read_lines(tmp_path / "run" / "row" / "metrics.jsonl")
    assert [line["evaluation"] is None for line in lines] == [True, False, False]
    for line, replies in zip(lines[1:], SEEN, strict=True):
        counts = [reply["num-examples"] for reply in replies]
        assert counts == [2, 1, 4, 4]  # of 5, 2, 9 and 9 utterances
        for name in ("loss", "eval_loss", "wer"):
            mean = np.average([reply[name] for reply in replies], weights=counts)
            assert line["evaluation"][name] == pytest.approx(mean)
    messages = [m for m in read_lines(tmp_path / "run" / "row" / "traffic.jsonl") if m["kind"] == "evaluate"]
    assert [m["direction"] for m in messages].count("up") == [m["direction"] for m in messages].count("down") == 8
    assert all(m["blob_bytes"] > 1000 for m in messages if m["direction"] == "down")
    assert all(m["blob_bytes"] == 0 < m["envelope_bytes"] for m in messages if m["direction"] == "up")
    assert row["uplink_bytes"] > sum(m["envelope_bytes"] for m in messages if m["direction"] == "up")
    assert "eval_loss" in (tmp_path / "run" / "report.html").read_text()
    partition = Run.open(tmp_path / "run").partition()
    assert partition is not None
    assert [(silo.utterances, silo.held_out_utterances) for silo in partition.silos] == [(3, 2), (1, 1), (5, 4), (5, 4)]


def test_a_resume_changes_neither_the_model_nor_what_is_told(unequal_corpus: Path, tmp_path: Path) -> None:
    row = {"strategy": f"{FLOWER}FedAdam", "options": {"fraction_evaluate": 0.5, "eta": 0.01}}
    whole = _run(unequal_corpus, tmp_path / "whole", row)
    with stopped(1, is_saved=True):
        _run(unequal_corpus, tmp_path / "again", row)
    again = _run(unequal_corpus, tmp_path / "again", row)
    assert again["model_sha256"] == whole["model_sha256"]
    told = [read_lines(tmp_path / name / "row" / "metrics.jsonl") for name in ("whole", "again")]
    assert [line["evaluation"] for line in told[0]] == [line["evaluation"] for line in told[1]]
    assert set(told[0][2]["evaluation"]) == {"loss", "eval_loss", "wer"}
    with pytest.raises(UserError, match="another experiment"):
        _run(unequal_corpus, tmp_path / "again", row, held_out=0.3)


@pytest.mark.parametrize(
    ("row", "held_out", "told"),
    [
        ({"strategy": f"{FLOWER}FedAvg", "options": {"fraction_evaluate": 0.5}}, 0.0, "set corpus.held_out"),
        ({"strategy": f"{FLOWER}FedAdam", "options": {"fraction_evaluate": 1.0}}, 0.0, "set corpus.held_out"),
        ({"strategy": f"{FLOWER}Krum", "options": {"fraction_evaluate": 0.01}}, 0.0, "set corpus.held_out"),
        ({"strategy": f"{__name__}:Always"}, 0.0, "set corpus.held_out"),
        ({"strategy": f"{__name__}:Wrapping"}, 0.0, "set corpus.held_out"),
        ({"strategy": f"{__name__}:Always", **PRIVATE}, 0.5, "no guarantee"),
    ],
)
def test_what_cannot_be_answered_is_refused_before_training(
    row: dict[str, Any], held_out: float, told: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=rf"compare\.row\.options: .*{told}") as refused:
        _run(unequal_corpus, tmp_path / "run", row, held_out)
    assert len(refused.value.lines) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "held_out", "told"), [({}, 0.0, "set corpus.held_out"), (PRIVATE, 0.5, "under a guarantee")]
)
def test_a_method_of_its_own_that_asks_in_vain_fails_its_row(
    more: dict[str, Any], held_out: float, told: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    row = _run(unequal_corpus, tmp_path / "run", {"strategy": f"{__name__}:Evaluating", **more}, held_out)
    assert row["status"] == "failed"
    assert "round 1: no silo evaluated" in row["failure"]
    assert told in row["failure"]
