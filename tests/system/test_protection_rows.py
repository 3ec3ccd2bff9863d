"""DP-SGD as a row asks for it: at the centre, and inside silos."""

from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table
from support.unequal import SIZES, run_unequal
from support.watched import WatchedSilos

import fedasr
from fedasr.common.errors import UserError
from fedasr.common.files import read_lines
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.privacy.accounting.calibration import noise_for
from fedasr.runs.folder import Run
from fedasr.server.progress import Progress

STEPS = 8
"""Of the centre."""
OPTIONS = {"epsilon": 6.0, "batch_size": 2, "clip_norm": 0.5}
SMALL = {"epsilon": 6.0, "batch_size": 1, "clip_norm": 0.5}
"""For silos of which the smallest has two utterances."""


def _run(folder: Path, row: dict[str, Any], watcher: Watcher | None = None, **changes: Any) -> dict[str, Any]:
    protected = {"protection": "dp-sgd", "protection_options": OPTIONS, "name": "row", **row}
    if row["strategy"] == "centralised":
        protected["protection_options"] = {**protected["protection_options"], "steps": STEPS}
    experiment = Experiment.from_table(tiny_table(compare=[protected], **changes))
    (found,) = fedasr.run(experiment, grid="process", out=folder, watcher=watcher).rows
    return found


def _steps(folder: Path) -> int:
    return sum(release["count"] for release in read_lines(folder / "row" / "releases" / "ledger.jsonl"))


def test_the_centre_keeps_its_promise_and_pays_every_step(tmp_path: Path) -> None:
    row = _run(tmp_path, {"strategy": "centralised"})
    assert row["status"] == "finished", row["failure"]
    assert (row["privacy_unit"], row["adjacency"], row["epsilon_kind"]) == ("utterance", "add-remove", "accountant")
    assert 5.99 < row["epsilon"] <= 6.0
    assert row["delta"] == 1e-5
    assert _steps(tmp_path) == STEPS


def test_the_centre_stopped_and_resumed_gives_the_bits_of_one_run(tmp_path: Path) -> None:
    class Stopping(Watcher):
        def round(self, progress: Progress) -> None:
            if progress.round == 3:
                raise KeyboardInterrupt

    whole = _run(tmp_path / "whole", {"strategy": "centralised"}, reproducible_noise=True)
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "stopped", {"strategy": "centralised"}, Stopping(), reproducible_noise=True)
    (resumed,) = fedasr.run(Run.open(tmp_path / "stopped").experiment, resume=tmp_path / "stopped", grid="process").rows
    assert resumed["status"] == whole["status"] == "finished"
    assert resumed["model_sha256"] == whole["model_sha256"]
    assert resumed["epsilon_if_secure"] == whole["epsilon_if_secure"]
    assert _steps(tmp_path / "stopped") == _steps(tmp_path / "whole") == STEPS


@pytest.mark.parametrize(
    ("strategy", "local_steps", "charged"), [("fedavg", 3, 6), ("fedavg", 1, 2), ("sync-sgd", 3, 2)]
)
def test_silos_pay_for_the_steps_of_every_round(
    strategy: str, local_steps: int, charged: int, unequal_corpus: Path, tmp_path: Path
) -> None:
    """Three local steps of two rounds are six noisy gradients; a message that asks for a gradient has one behind it."""
    row = {"name": "row", "strategy": strategy, "protection": "dp-sgd", "protection_options": SMALL}
    (row,) = run_unequal(unequal_corpus, tmp_path / "run", row, training={"local_steps": local_steps})
    assert row["status"] == "finished", row["failure"]
    assert (row["privacy_unit"], row["adjacency"]) == ("utterance", "add-remove")
    assert row["epsilon"] <= 6.0
    assert _steps(tmp_path / "run") == charged
    assert {line["train_loss"] for line in read_lines(tmp_path / "run" / "row" / "metrics.jsonl")} == {None}


def test_the_noise_of_silos_is_that_of_the_smallest(unequal_corpus: Path, tmp_path: Path) -> None:
    """In it an utterance is drawn most often; the noise is planned for all local steps of all rounds."""
    row = {"name": "row", "strategy": "fedavg", "protection": "dp-sgd", "protection_options": SMALL}
    run_unequal(unequal_corpus, tmp_path / "run", row, training={"local_steps": 3})
    (first, *_) = read_lines(tmp_path / "run" / "row" / "releases" / "ledger.jsonl")
    expected = noise_for("sampled-gaussian", 6, 6.0, 1e-5, "add-remove", rate=1 / min(SIZES))
    assert first["mechanism"]["noise_multiplier"] == pytest.approx(expected)
    assert first["mechanism"]["rate"] == pytest.approx(1 / min(SIZES))


@pytest.mark.parametrize(("strategy", "kind"), [("fedavg", "train"), ("sync-sgd", "train.gradient")])
def test_a_round_is_charged_before_the_first_silo_trains(
    strategy: str, kind: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    """A silo's noise is drawn where it cannot be written down first: what a crash cuts off must have been paid."""
    seen: list[int] = []

    def look(silo: int, asked: str) -> None:
        assert asked == kind
        seen.append(_steps(tmp_path / "run"))

    row = {"name": "row", "strategy": strategy, "protection": "dp-sgd", "protection_options": SMALL}
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", row, grid=WatchedSilos(look))
    assert found["status"] == "finished", found["failure"]
    each = 2 if kind == "train" else 1
    assert seen == [each] * len(SIZES) + [2 * each] * len(SIZES)


@pytest.mark.parametrize("strategy", ["centralised", "fedavg"])
def test_no_noise_is_no_noise_and_promises_nothing(strategy: str, tmp_path: Path) -> None:
    """It used to be replaced by noise planned for a target that nobody had set."""
    options = {key: value for key, value in OPTIONS.items() if key != "epsilon"} | {"noise_multiplier": 0.0}
    row = _run(tmp_path, {"strategy": strategy, "protection_options": options})
    assert row["status"] == "finished", row["failure"]
    assert (row["epsilon"], row["epsilon_spent"], row["privacy_unit"], row["epsilon_kind"]) == (None,) * 4
    (first, *_) = read_lines(tmp_path / "row" / "releases" / "ledger.jsonl")
    assert first["mechanism"]["noise_multiplier"] == 0.0


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


def test_a_batch_above_the_smallest_silo_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="batch_size is 30, and the smallest silo holds 3 utterances"):
        _run(tmp_path / "run", {"strategy": "fedavg", "protection_options": {**OPTIONS, "batch_size": 30}})


def test_what_cannot_be_accounted_ends_its_row(tmp_path: Path) -> None:
    found = _run(tmp_path, {"strategy": "local-only", "options": {"steps": 1}})
    assert found["status"] == "failed"
    assert "train.alone" in found["failure"]
    assert found["model_sha256"] is None
    assert found["epsilon"] is None


def test_more_noisy_gradients_than_a_message_pays_for_are_refused(tmp_path: Path) -> None:
    found = _run(tmp_path, {"strategy": "sync-sgd", "options": {"accumulate": 2}})
    assert found["status"] == "failed"
    assert "accumulate = 1" in found["failure"]
    assert found["model_sha256"] is None


def test_a_row_has_one_protection(tmp_path: Path) -> None:
    """A strategy that is made for one takes no other, and says so before anything is trained."""
    with pytest.raises(UserError, match="beside the protection that dp-fedavg is made for"):
        _run(tmp_path / "run", {"strategy": "dp-fedavg"})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("protection", ["dp-sgd"])
def test_an_unknown_option_is_refused_before_a_folder_is_made(protection: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"protection_options.*epsilom.*did you mean 'epsilon'") as refusal:
        _run(tmp_path / "run", {"strategy": "fedavg", "protection_options": {"epsilom": 1.0}})
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "run").exists()
