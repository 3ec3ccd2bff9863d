"""By which weights rows are scored, in whole runs on unequal silos, against iterates that are noted on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.iterates import assert_near, mean_of, noted
from support.running import Refused
from support.unequal import run_unequal, stopped

from fedasr.asr.recogniser import Weights, digest
from fedasr.common.files import load_arrays
from fedasr.protection.dp_sgd.descent import NoisyDescent

ROUNDS = 4
"""Of which the last two count."""
CHANGES: dict[str, Any] = {
    "training": {"rounds": ROUNDS, "silos_per_round": 3, "momentum": 0.5}, "central": {"epochs": 4},
    "model": {"units": 8}, "reproducible_noise": True,
}  # fmt: skip
DP_SGD = {"noise_multiplier": 0.5, "batch_size": 2, "steps": 7}
ROWS: dict[str, dict[str, Any]] = {
    "fedavgm": {"options": {"momentum": 0.8, "nesterov": True}},
    "bmuf": {"options": {"block_momentum": 0.5, "local_optimizer": "keep"}, "training": {"silos_per_round": 0}},
    "gtc": {"options": {"density": 0.02}},
    "dp-fedavg": {"options": {"noise_multiplier": 0.5, "clip_norm": 0.5, "server_momentum": 0.5}},
    "adam": {"strategy": "flwr.serverapp.strategy:FedAdam", "options": {"eta": 0.01}},
    "centralised": {"options": {"evaluate_every": 3}},
    "pate": {"options": {"noise": 1.0, "teacher_steps": 1, "votes": "utterance", "candidates": 2, "beam": 2}},
    "public-only": {},
}
BY_STEPS = {"strategy": "centralised", "protection": "dp-sgd", "protection_options": DP_SGD}


def row(name: str) -> dict[str, Any]:
    return {"name": name, "strategy": name, **ROWS.get(name, {})}


def run(corpus: Path, folder: Path, *rows: Mapping[str, Any], **changes: Any) -> dict[str, dict[str, Any]]:
    found = run_unequal(corpus, folder, *rows, **{**CHANGES, **changes})
    assert {one["name"]: one["failure"] for one in found} == dict.fromkeys(one["name"] for one in found)
    return {one["name"]: one for one in found}


Ran = tuple[Path, dict[str, dict[str, Any]], dict[str, dict[int, Weights]]]


@pytest.fixture(scope="module")
def whole(unequal_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run all rows, and return the folder, the summaries and the models of each round."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with noted() as seen:
        found = run(unequal_corpus, folder, *map(row, ROWS))
    return folder, found, seen


def model(folder: Path, name: str, file: str = "model.safetensors") -> Weights:
    return load_arrays(folder / name / file)[0]


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_scored_by_the_mean_of_their_last_third(name: str, whole: Ran) -> None:
    folder, found, seen = whole
    numbers = {"pate": [5, 6], "public-only": [0]}.get(name, [3, 4])  # two rounds of votes move no model
    assert max(seen[name]) == max(numbers)
    expected = mean_of([seen[name][number] for number in numbers])
    assert_near(model(folder, name), expected)
    assert digest(model(folder, name)) == found[name]["model_sha256"]
    assert found[name]["scored"] == "mean"
    assert "scored" not in (found[name]["note"] or "")
    if name != "public-only":
        assert digest(model(folder, name)) != digest(seen[name][max(numbers)])


def test_what_is_averaged_is_no_look_ahead(whole: Ran) -> None:
    """W(t) = W(t-1) + Δ(t); what is sent is 0.8 Δ(t) ahead of it."""
    folder, _, seen = whole
    names = list(seen["fedavgm"][0])
    steps = {
        t: np.concatenate([np.ravel(seen["fedavgm"][t][n] - seen["fedavgm"][t - 1][n]) for n in names]) for t in (3, 4)
    }
    third, found = seen["fedavgm"][3], model(folder, "fedavgm")
    moved = np.concatenate([np.ravel(found[n] - third[n]) for n in names])
    np.testing.assert_allclose(moved, steps[4] / 2, rtol=0, atol=1e-6 * np.abs(found[names[0]]).max())


def test_the_summary_tells_what_the_scored_model_does(whole: Ran) -> None:
    folder, found, _ = whole
    assert json.loads((folder / "summary.json").read_text())["scored"] == "mean"
    assert 'scored = "mean"' in (folder / "experiment.toml").read_text()
    lines = [json.loads(line) for line in (folder / "gtc" / "metrics.jsonl").read_text().splitlines()]
    assert found["gtc"]["development_loss"] not in [line["development_loss"] for line in lines]


@pytest.mark.parametrize(
    ("name", "stop"), [("fedavgm", 2), ("fedavgm", 3), ("dp-fedavg", 3), ("centralised", 3), ("pate", 5)]
)
def test_a_kill_changes_no_bit(name: str, stop: int, whole: Ran, unequal_corpus: Path, tmp_path: Path) -> None:
    """It is stopped with one of two models in the mean, or with none."""
    with stopped(stop, is_saved=True):
        run(unequal_corpus, tmp_path / "run", row(name))
    found = run(unequal_corpus, tmp_path / "run", row(name))
    for key in ("model_sha256", "wer", "development_loss", "uplink_bytes"):
        assert found[name][key] == whole[1][name][key], key


def test_dp_sgd_at_the_centre_counts_steps(unequal_corpus: Path, tmp_path: Path) -> None:
    steps: list[Weights] = []
    step = NoisyDescent.step

    def stepping(self: NoisyDescent, *others: Any) -> None:
        step(self, *others)
        steps.append(self._recogniser.weights())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NoisyDescent, "step", stepping)
        found = run(unequal_corpus, tmp_path / "run", {"name": "row", **BY_STEPS})["row"]
    assert len(steps) == DP_SGD["steps"]
    assert_near(model(tmp_path / "run", "row"), mean_of(steps[4:]))
    assert found["scored"] == "mean"
    ledger = (tmp_path / "run" / "row" / "releases" / "ledger.jsonl").read_text().splitlines()
    assert sum(json.loads(line)["count"] for line in ledger) == DP_SGD["steps"]
    with stopped(6, is_saved=False):  # the release of the sixth is there, the checkpoint is that of the fifth
        run(unequal_corpus, tmp_path / "stopped", {"name": "row", **BY_STEPS})
    again = run(unequal_corpus, tmp_path / "stopped", {"name": "row", **BY_STEPS})["row"]
    assert again["model_sha256"] == found["model_sha256"]


def test_by_the_last_a_row_is_what_its_last_round_made(whole: Ran, unequal_corpus: Path, tmp_path: Path) -> None:
    names = ("fedavgm", "pate")
    found = run(unequal_corpus, tmp_path / "run", *map(row, names), scored="last")
    for name in names:
        assert found[name]["model_sha256"] == digest(whole[2][name][max(whole[2][name])])
        assert found[name]["scored"] == "last"


def test_by_the_best_a_row_is_the_round_with_the_lowest_wer(whole: Ran, unequal_corpus: Path, tmp_path: Path) -> None:
    names, folder = ("gtc", "centralised"), tmp_path / "run"
    with stopped(3, is_saved=True):
        run(unequal_corpus, folder, *map(row, names), scored="best")
    found = run(unequal_corpus, folder, *map(row, names), scored="best")
    for name in names:
        lines = [json.loads(line) for line in (folder / name / "metrics.jsonl").read_text().splitlines()]
        told = {line["round"]: (line["development_wer"], line["development_loss"], line["round"]) for line in lines}
        errors, loss, best = min(value for number, value in told.items() if number and value[0] is not None)
        assert found[name]["model_sha256"] == digest(whole[2][name][best])
        assert (found[name]["development_wer"], found[name]["development_loss"]) == (errors, loss)
        assert f"scored by round {best}" in found[name]["note"]


@pytest.mark.parametrize("rule", ["mean", "last"])
def test_a_loop_that_returns_its_last_model_alone_is_marked(rule: str, unequal_corpus: Path, tmp_path: Path) -> None:
    strategies = {"ownrounds": "server.foreign.given:OwnRounds", "fedmedian": "flwr.serverapp.strategy:FedMedian"}
    rows = ({"name": name, "strategy": strategy} for name, strategy in strategies.items())
    found = run(unequal_corpus, tmp_path / "run", *rows, training={"rounds": 3}, scored=rule)
    is_marked = "scored by its last model: its own loop returns no other" in (found["ownrounds"]["note"] or "")
    assert is_marked == (rule == "mean")
    assert found["ownrounds"]["scored"] == "last"
    assert found["fedmedian"]["note"] is None


def test_a_row_begins_from_what_was_scored_or_where_its_silos_states_belong(
    unequal_corpus: Path, tmp_path: Path
) -> None:
    parents = [row("fedavgm"), row("bmuf")]
    children = [{"name": f"after-{p['name']}", "strategy": "public-only", "start": f"row:{p['name']}"} for p in parents]
    folder = tmp_path / "run"
    with noted() as seen:
        found = run(unequal_corpus, folder, *parents, *children)
    assert found["after-fedavgm"]["model_sha256"] == found["fedavgm"]["model_sha256"]
    assert not (folder / "fedavgm" / "last.safetensors").exists()
    assert found["after-bmuf"]["model_sha256"] == digest(seen["bmuf"][ROUNDS]) != found["bmuf"]["model_sha256"]
    assert digest(model(folder, "bmuf", "last.safetensors")) == digest(seen["bmuf"][ROUNDS])
    assert "last iterate of bmuf" in found["after-bmuf"]["note"]
    assert "begins from the model of fedavgm" in found["after-fedavgm"]["note"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scored": "best", "corpus": {"development_speakers": 0}}, "corpus.development_speakers"),
        ({"scored": "best", "compare": [{"name": "alone", "strategy": "local-only"}]}, "compare.alone.strategy"),
        ({"scored": "best", "compare": [{"name": "own", "strategy": "ditto"}]}, "compare.own.strategy"),
        ({"scored": "first"}, "'first'; known: best, last, mean"),
        ({"compare": [{"name": "dp", "strategy": "dp-fedavg", "options": {"average": 0.5}}]}, "scored = 'mean'"),
        (
            {"compare": [{"name": "dp", "strategy": "centralised", "protection": "dp-sgd",
                          "protection_options": {"average": 0.5}}]},
            "scored = 'mean'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_so_is_refused(
    changes: dict[str, Any], says: str, write_toml: Callable[..., Path], refused: Refused
) -> None:
    assert says in refused(write_toml(**changes))
