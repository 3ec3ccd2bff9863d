"""DP-SGD as a row asks for it: at the centre, and inside silos."""

from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.common.files import read_lines
from fedasr.experiment.experiment import Experiment
from fedasr.privacy.accounting.calibration import noise_for

OPTIONS = {"epsilon": 6.0, "batch_size": 2, "steps": 8, "clip_norm": 0.5}


def _run(folder: Path, row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    protected = {"protection": "dp-sgd", "protection_options": OPTIONS, "name": "row", **row}
    experiment = Experiment.from_table(tiny_table(compare=[protected], **changes))
    (found,) = fedasr.run(experiment, grid="process", out=folder).rows
    return found


def _steps(folder: Path) -> int:
    return sum(release["count"] for release in read_lines(folder / "row" / "releases" / "ledger.jsonl"))


def test_the_centre_keeps_its_promise_and_pays_every_step(tmp_path: Path) -> None:
    row = _run(tmp_path, {"strategy": "centralised"})
    assert row["status"] == "finished", row["failure"]
    assert (row["privacy_unit"], row["adjacency"], row["epsilon_kind"]) == ("utterance", "add-remove", "accountant")
    assert 5.5 < row["epsilon"] <= 6.0
    assert row["delta"] == 1e-5
    assert _steps(tmp_path) == OPTIONS["steps"]


@pytest.mark.parametrize("strategy", ["fedavg", "sync-sgd"])
def test_silos_pay_for_the_steps_of_every_round(tmp_path: Path, strategy: str) -> None:
    row = _run(tmp_path, {"strategy": strategy}, training={"rounds": 3, "silos_per_round": 0})
    assert row["status"] == "finished", row["failure"]
    assert (row["privacy_unit"], row["adjacency"]) == ("utterance", "add-remove")
    assert row["epsilon"] <= 6.0
    assert _steps(tmp_path) == 3
    assert {line["train_loss"] for line in read_lines(tmp_path / "row" / "metrics.jsonl")} == {None}


def test_the_noise_of_silos_is_that_of_the_smallest(tmp_path: Path) -> None:
    _run(tmp_path, {"strategy": "fedavg"}, training={"rounds": 3})
    (first, *_) = read_lines(tmp_path / "row" / "releases" / "ledger.jsonl")
    expected = noise_for("sampled-gaussian", 3, 6.0, 1e-5, "add-remove", rate=2 / 3)
    assert first["mechanism"]["noise_multiplier"] == pytest.approx(expected)
    assert first["mechanism"]["rate"] == pytest.approx(2 / 3)


def test_bits_repeat_only_where_the_guarantee_is_void(tmp_path: Path) -> None:
    def digest(name: str, **changes: Any) -> tuple[str, str]:
        row = _run(tmp_path / name, {"strategy": "fedavg"}, **changes)
        return row["model_sha256"], row["epsilon_kind"]

    void = [digest(name, reproducible_noise=True) for name in ("a", "b")]
    assert void[0] == void[1]
    assert void[0][1] == "void"
    real = [digest(name) for name in ("c", "d")]
    assert real[0][0] != real[1][0]
    assert real[0][1] == "accountant"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"strategy": "fedavg", "protection_options": {**OPTIONS, "batch_size": 30}}, "batch_size is 30"),
        ({"strategy": "local-only", "options": {"steps": 1}}, "train.alone"),
        ({"strategy": "dp-fedavg"}, "privacy to a silo already"),
    ],
)
def test_what_cannot_be_accounted_ends_its_row(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    found = _run(tmp_path, row)
    assert found["status"] == "failed"
    assert says in found["failure"]
    assert found["model_sha256"] is None
    assert found["epsilon"] is None


def test_more_noisy_gradients_than_a_message_pays_for_are_refused(tmp_path: Path) -> None:
    found = _run(tmp_path, {"strategy": "sync-sgd", "options": {"accumulate": 2}})
    assert found["status"] == "failed"
    assert "accumulate = 1" in found["failure"]
    assert found["model_sha256"] is None


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    found = None
    with pytest.raises(UserError, match=r"protection_options\.epsilom"):
        found = _run(tmp_path, {"strategy": "fedavg", "protection_options": {"epsilom": 1.0}})
    assert found is None
