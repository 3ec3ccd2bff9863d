"""Server optimizers in whole rows: resumed to the bit, and no worse for not being tuned."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fedasr.strategies.fedopt import FedOptSettings
from support.unequal import run_unequal, stopped

from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, read_lines

THREE = {"rounds": 3}


def _row(optimizer: str, **options: Any) -> dict[str, Any]:
    return {"name": "row", "strategy": "fedopt", "options": {"server_optimizer": optimizer, **options}}


def test_moments_and_schedule_go_on_where_they_were(unequal_corpus: Path, tmp_path: Path) -> None:
    row = _row("yogi", server_schedule="cosine", server_warmup=0.5)
    (whole,) = run_unequal(unequal_corpus, tmp_path / "whole", row, training=THREE)
    with stopped(2, is_saved=True):
        run_unequal(unequal_corpus, tmp_path / "again", row, training=THREE)
    (again,) = run_unequal(unequal_corpus, tmp_path / "again", row, training=THREE)
    assert again["model_sha256"] == whole["model_sha256"]
    assert len(read_lines(tmp_path / "again" / "row" / "metrics.jsonl")) == 4


@pytest.mark.parametrize("optimizer", ["adam", "lamb"])
def test_layers_that_are_not_trained_neither_travel_nor_move(
    optimizer: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    row = _row(optimizer, layers=["ctc.*"])
    whole, part = run_unequal(unequal_corpus, tmp_path / "run", {**_row(optimizer), "name": "whole"}, row)
    (start,) = (load_arrays(path)[0] for path in (tmp_path / "run" / "start").glob("*.safetensors"))
    model = load_arrays(tmp_path / "run" / "row" / "model.safetensors")[0]
    for name, array in model.items():
        assert np.array_equal(array, start[name]) == (not name.startswith("ctc.")), name
    assert part["uplink_bytes"] < whole["uplink_bytes"] / 2


def test_untuned_they_learn_as_averaging_does(unequal_corpus: Path, tmp_path: Path) -> None:
    """At the rate of averaging the published step is no training at all: it moves each value by about one."""
    names = ("averaging", "adam", "yogi", "adagrad", "lamb")
    rows = [{"name": "averaging", "strategy": "fedavg"}, *({**_row(name), "name": name} for name in names[1:])]
    rows.append({**_row("adam", step_length="published"), "name": "published"})
    found = run_unequal(unequal_corpus, tmp_path / "run", *rows, training={"rounds": 5, "local_steps": 3})
    lines = {row["name"]: read_lines(tmp_path / "run" / row["name"] / "metrics.jsonl") for row in found}
    start, plain = (lines["averaging"][at]["development_loss"] for at in (0, -1))
    assert plain < start
    for name in names[1:]:
        share = 0.6 if name == "lamb" else 0.8  # its steps are as long, and go by the layers' own sizes
        assert start - lines[name][-1]["development_loss"] > share * (start - plain)
    assert lines["published"][-1]["development_loss"] > start
    assert [row["model_sha256"] for row in found] == list(dict.fromkeys(row["model_sha256"] for row in found))


@pytest.mark.parametrize("rounds", [1, 3, 12, 20, 40, 100])
@pytest.mark.parametrize("name", ["adam", "yogi", "adagrad"])
def test_a_short_training_ends_where_the_changes_lead(name: str, rounds: int) -> None:
    """Silos that come as far as the optimum in a round: averaging is there at once, and nobody ends beyond it."""
    goal = np.random.default_rng(5).standard_normal(40)
    step, at = FedOptSettings(server_optimizer=name).outer_step(rounds), {"w": np.zeros(40)}
    for _ in range(rounds):
        at = step.move(at, {"w": goal - at["w"]})
    assert np.linalg.norm(at["w"] - goal) < 0.5 * np.linalg.norm(goal)
    if rounds >= 12:
        assert np.linalg.norm(at["w"] - goal) < 0.1 * np.linalg.norm(goal)


def test_no_layers_at_all_are_refused() -> None:
    with pytest.raises(UserError, match="'layers' chooses no parameter; leave it out to train all"):
        FedOptSettings(layers=())
