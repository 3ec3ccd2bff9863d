"""Noise at the silo's boundary under strategies that average: whole rows, one line of the experiment each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg
from support.running import command
from support.tolerance import rounding
from support.unequal import SIZES, run_unequal, stopped, unequal_table
from support.watched import failing

from fedasr.common.files import load_arrays, read_lines
from fedasr.messages.kinds import SPEECH
from fedasr.messages.records import arrays_of

NOISE = "silo-noise"
FLOWER = "flwr.serverapp.strategy:"
QUIET = {"noise_multiplier": 0.0, "clip_norm": 1e6}
LOUD = {"noise_multiplier": 2.0, "clip_norm": 0.3}
KEEP = {"local_optimizer": "keep", "block_momentum": 0.5}


def _row(name: str, strategy: str, protection_options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "strategy": strategy, "protection": NOISE, "protection_options": protection_options, **more}


def _model(folder: Path, row: str) -> dict[str, np.ndarray]:
    return dict(load_arrays(folder / row / "model.safetensors")[0])


def _distance(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    return float(np.sqrt(sum(((one[n].astype(np.float64) - other[n]) ** 2).sum() for n in one)))


def test_one_line_gives_any_averaging_strategy_the_epsilon_of_dp_fedavg(unequal_corpus: Path, tmp_path: Path) -> None:
    """By the command line: the same noise and rounds, the same ε, unit and ledger, whatever the server does."""
    table = unequal_table(unequal_corpus, training={"silos_per_round": 3})
    lines = [f'name = "unequal"\nseed = {table["seed"]}\n']
    for part in ("corpus", "model", "start", "central", "training"):
        lines += [f"[{part}]", *(f"{key} = {json.dumps(value)}" for key, value in table[part].items())]
    noise = 'protection_options = { noise_multiplier = 2.0, clip_norm = 0.3 }\nprotection = "silo-noise"\n'
    lines += [
        '[[compare]]\nname = "dp-fedavg"\nstrategy = "dp-fedavg"\noptions = {noise_multiplier = 2.0, clip_norm = 0.3}',
        f'[[compare]]\nname = "bmuf"\nstrategy = "bmuf"\noptions = {{block_momentum = 0.5}}\n{noise}',
        f'[[compare]]\nname = "adam"\nstrategy = "{FLOWER}FedAdam"\n{noise}',
        f'[[compare]]\nname = "gradients"\nstrategy = "gtc"\n{noise}',
    ]
    (tmp_path / "private.toml").write_text("\n".join(lines))
    out = tmp_path / "run"
    done = command("fedasr.simulate", tmp_path / "private.toml", "--grid", "process", "--out", out, "--json")
    assert done.code == 0, done.err
    rows = {row["name"]: row for row in json.loads(done.out)["rows"]}
    for row in rows.values():
        assert (row["status"], row["protection"]) == ("finished", NOISE), row["failure"]
        for key in ("epsilon", "delta", "privacy_unit", "adjacency", "epsilon_kind", "epsilon_bound"):
            assert row[key] == rows["dp-fedavg"][key], key
        ledger = read_lines(out / row["name"] / "releases" / "ledger.jsonl")
        assert [(line["count"], line["mechanism"]["rate"]) for line in ledger] == [(1, 0.75)] * 2
    assert rows["bmuf"]["privacy_unit"] == "silo"
    assert rows["bmuf"]["epsilon"] > 0
    assert len({row["model_sha256"] for row in rows.values()}) == len(rows)


@pytest.mark.parametrize(
    ("strategy", "options", "uniform"),
    [
        ("fedavgm", {"momentum": 0.5, "nesterov": True}, {"weighting": "uniform"}),
        ("bmuf", KEEP, {}),
        ("sync-sgd", {"server_momentum": 0.5}, {}),
        (f"{FLOWER}FedYogi", {"eta": 0.01}, {"weighted_by_key": "uniform"}),
        (f"{FLOWER}FedProx", {"proximal_mu": 0.1}, {"weighted_by_key": "uniform"}),
    ],
)
def test_without_noise_and_clipping_it_is_the_strategy_with_uniform_weights(
    strategy: str, options: dict[str, Any], uniform: dict[str, Any], unequal_corpus: Path, tmp_path: Path
) -> None:
    plain = {"name": "row", "strategy": strategy, "options": {**options, **uniform}}
    (private,) = run_unequal(unequal_corpus, tmp_path / "private", _row("row", strategy, QUIET, options=options))
    run_unequal(unequal_corpus, tmp_path / "run", plain)
    assert private["status"] == "finished", private["failure"]
    assert private["epsilon"] is None
    found, expected = _model(tmp_path / "private", "row"), _model(tmp_path / "run", "row")
    (start,) = (dict(load_arrays(path)[0]) for path in (tmp_path / "run" / "start").glob("*.safetensors"))
    moved = _distance(expected, start)
    size = _distance(expected, {name: np.zeros_like(array) for name, array in expected.items()})
    # Models are rounded when they are sent, changed, averaged and stepped, in each of two rounds; Adam's steps
    # divide by the square root of what they measure, so that its roundings count ten times.
    assert _distance(found, expected) < rounding(2 * 4 * 10, size)
    assert moved > 10 * rounding(2 * 4 * 10, size)


def test_bounds_of_layers_cut_each_array_and_leave_the_promise_as_it_is(unequal_corpus: Path, tmp_path: Path) -> None:
    """What four silos add to an array is no longer than four of its bounds; the ledger is that of one bound for all."""
    divided = {**LOUD, "layer_bounds": "by-size"}
    quiet = {"noise_multiplier": 0.0, "clip_norm": 0.01, "layer_bounds": "equal"}
    lamb = {"server_optimizer": "lamb"}
    rows = run_unequal(
        unequal_corpus, tmp_path / "run", _row("whole", "fedopt", LOUD, options=lamb),
        _row("divided", "fedopt", divided, options=lamb), _row("quiet", "fedavg", quiet),
    )  # fmt: skip
    assert [row["status"] for row in rows] == ["finished"] * 3
    assert rows[0]["epsilon"] == rows[1]["epsilon"] > 0
    mechanisms = [
        [line["mechanism"] for line in read_lines(tmp_path / "run" / name / "releases" / "ledger.jsonl")]
        for name in ("whole", "divided")
    ]
    assert mechanisms[0] == mechanisms[1]
    released = load_arrays(tmp_path / "run" / "quiet" / "releases" / "round.1.safetensors")[0]
    norms = [float(np.linalg.norm(array)) for array in released.values()]
    bound = 4 * 0.01 / np.sqrt(len(released))
    assert max(norms) <= bound * (1 + 1e-6)
    assert min(norms) > bound / 20, "small arrays have as large a bound"


class Nosy(FedAvg):
    """A plain average that writes down all that it is given of a round."""

    reduce: ClassVar[str] = "weighted_mean"
    given: ClassVar[list[dict[str, Any]]] = []

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        found = list(replies)
        Nosy.given += [
            {"metrics": dict(next(iter(reply.content.metric_records.values()))), "records": sorted(reply.content),
             "types": {str(array.dtype) for array in arrays_of(reply.content.array_records["arrays"]).values()}}
            for reply in found
        ]  # fmt: skip
        return super().aggregate_train(server_round, found)


def test_a_strategy_is_given_one_reply_that_says_nothing_else(unequal_corpus: Path, tmp_path: Path) -> None:
    Nosy.given.clear()
    (row,) = run_unequal(unequal_corpus, tmp_path / "run", _row("row", f"{__name__}:Nosy", LOUD))
    assert row["status"] == "finished", row["failure"]
    assert (
        Nosy.given == [{"metrics": {"num-examples": 4.0}, "records": ["arrays", "metrics"], "types": {"float32"}}] * 2
    )
    lines = read_lines(tmp_path / "run" / "row" / "metrics.jsonl")
    assert [line["train_loss"] for line in lines] == [None] * 3


class Asking(FedAvg):
    """Asks the silos for something beside their training."""

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        messages = list(super().configure_train(server_round, arrays, config, grid))
        list(grid.send_and_receive([Message(messages[0].content, messages[0].metadata.dst_node_id, SPEECH.name)]))
        return messages


class Twice(FedAvg):
    """Asks every silo twice: two replies, two bounds."""

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        messages = list(super().configure_train(server_round, arrays, config, grid))
        return [Message(m.content, m.metadata.dst_node_id, "train") for m in [*messages, *messages]]


class Speech(FedAvg):
    """Asks for the speech itself."""

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        messages = super().configure_train(server_round, arrays, config, grid)
        return [Message(m.content, m.metadata.dst_node_id, SPEECH.name) for m in messages]


class Half(FedAvg):
    """Draws half of the silos itself, whatever it is told."""

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        return list(super().configure_train(server_round, arrays, config, grid))[::2]


for _cls in (Asking, Twice, Speech, Half):
    _cls.reduce = "weighted_mean"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("strategy", "training", "noise", "says"),
    [
        ("Asking", {}, {}, "beside its training"),
        ("Twice", {}, {}, "asked once a round"),
        ("Speech", {}, {}, "query.speech' is not paid for"),
        ("Half", {"silos_per_round": 3}, {}, "2 of 4 silos itself"),
        ("Half", {}, {"adjacency": "add-remove"}, "2 of 4 silos itself"),
    ],
)
def test_what_nobody_pays_for_ends_the_row_before_a_silo_is_asked(
    strategy: str, training: dict[str, Any], noise: dict[str, Any], says: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    row = _row("row", f"{__name__}:{strategy}", {**LOUD, **noise})
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", row, training=training)
    assert found["status"] == "failed"
    assert says in found["failure"]
    assert (found["uplink_bytes"], found["downlink_bytes"], found["epsilon"]) == (0, 0, None)
    assert not list((tmp_path / "run" / "row" / "releases").glob("*.safetensors"))


def test_a_strategy_that_draws_silos_itself_is_charged_at_rate_one(unequal_corpus: Path, tmp_path: Path) -> None:
    """And the sum is divided by the number that it addressed: two silos' bounds over two."""
    noise = {"noise_multiplier": 0.0, "clip_norm": 0.01}
    (row,) = run_unequal(
        unequal_corpus, tmp_path / "run", _row("row", f"{__name__}:Half", noise), training={"rounds": 1}
    )
    assert row["status"] == "finished", row["failure"]
    (line,) = read_lines(tmp_path / "run" / "row" / "releases" / "ledger.jsonl")
    assert line["mechanism"]["rate"] == 1
    (start,) = (dict(load_arrays(path)[0]) for path in (tmp_path / "run" / "start").glob("*.safetensors"))
    released = dict(load_arrays(tmp_path / "run" / "row" / "releases" / "round.1.safetensors")[0])
    moved = {name: array - start[name] for name, array in _model(tmp_path / "run", "row").items()}
    half = {name: array / 2 for name, array in released.items()}
    size = _distance(start, {name: np.zeros_like(array) for name, array in start.items()})
    assert _distance(moved, half) < rounding(2, size)
    assert _distance(moved, dict.fromkeys(moved, np.zeros(()))) > 0.004


@pytest.mark.parametrize("stop", [1, 3])
@pytest.mark.parametrize("codec", ["top-k", "dense"])
def test_a_stopped_row_goes_on_to_the_same_bits_though_its_silos_keep_state(
    stop: int, codec: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    """It is stopped with a release on disk and no checkpoint of its round; no silo is asked for that round again."""
    row = _row(
        "row", "bmuf", LOUD, options=KEEP, codec=codec, codec_options={"density": 0.1} if codec == "top-k" else {},
        training={"optimizer": "adamw", "learning_rate": 1e-3},
    )  # fmt: skip
    changes = {"training": {"rounds": 4, "silos_per_round": 3}, "reproducible_noise": True}
    (whole,) = run_unequal(unequal_corpus, tmp_path / "whole", row, **changes)
    assert whole["status"] == "finished", whole["failure"]
    with stopped(stop, is_saved=False):
        run_unequal(unequal_corpus, tmp_path / "stopped", row, **changes)
    (resumed,) = run_unequal(unequal_corpus, tmp_path / "stopped", row, **changes)
    for key in ("status", "model_sha256", "epsilon", "uplink_bytes", "downlink_bytes", "simulated_seconds"):
        assert resumed[key] == whole[key], key
    assert len(read_lines(tmp_path / "stopped" / "row" / "releases" / "ledger.jsonl")) == 4


def test_a_silo_that_fails_counts_as_not_there(unequal_corpus: Path, tmp_path: Path) -> None:
    """The sum is that of the others to the bit, and is divided as if it had come."""
    row = _row("row", "bmuf", {"noise_multiplier": 0.0, "clip_norm": 0.01}, options={"block_momentum": 0.5})
    run_unequal(unequal_corpus, tmp_path / "failed", row, grid=failing("train", 3), training={"rounds": 1})
    run_unequal(unequal_corpus, tmp_path / "whole", row, training={"rounds": 1})
    three, four = (
        load_arrays(tmp_path / name / "row" / "releases" / "round.1.safetensors")[0] for name in ("failed", "whole")
    )
    one_less = {name: four[name].astype(np.float64) - three[name] for name in four}
    norm = _distance(one_less, dict.fromkeys(one_less, np.zeros(())))
    assert 0.009 < norm <= 0.01 * (1 + 1e-4), "a silo's bound"
    assert len(SIZES) == 4
