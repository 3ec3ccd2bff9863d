"""A start that is killed goes on from its last epoch, to the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table
from support.unequal import StoppedError

import fedasr
from fedasr.engine.stages.start import checkpoint_of
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.server.progress import Progress
from fedasr.student.trainer import CentralTrainer

EPOCHS = 4
BIGGER = {"roles": {"teacher": {"units": 20}}}
PATE = {"name": "pate", "strategy": "pate", "options": {"noise": 1.0, "teacher_steps": 1, "maximum_labels": 2}}


class Stopping(Watcher):
    """Stops a run after an epoch of a start, the first or one that comes later."""

    def __init__(self, epoch: int, start: int = 1) -> None:
        self.epoch, self.start, self.seen = epoch, start, 0

    def round(self, progress: Progress) -> None:
        if progress.row == "start" and progress.round == self.epoch:
            self.seen += 1
            if self.seen == self.start:
                raise StoppedError


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the epochs of starts, as they are trained."""
    found, train = list[int](), CentralTrainer._trained

    def counted(self: CentralTrainer) -> float | None:
        if self.purpose.startswith("start"):
            found.append(self.epoch + 1)
        return train(self)

    monkeypatch.setattr(CentralTrainer, "_trained", counted)
    return found


def _run(folder: Path, watcher: Watcher | None = None, **changes: Any) -> dict[str, Any]:
    table = tiny_table(start={"epochs": EPOCHS}, compare=[{"name": "public-only", "strategy": "public-only"}])
    place = {"resume" if folder.exists() else "out": folder}
    rows = fedasr.run(Experiment.from_table({**table, **changes}), grid="process", watcher=watcher, **place).rows
    return rows[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, _run(folder)


@pytest.mark.parametrize("killed", [EPOCHS - 1, EPOCHS])
def test_a_start_that_was_killed_trains_what_is_left(
    killed: int, whole: tuple[Path, dict[str, Any]], tmp_path: Path, trained: list[int]
) -> None:
    with pytest.raises(StoppedError):
        _run(tmp_path / "run", Stopping(killed))
    resumed = _run(tmp_path / "run")
    assert trained == list(range(1, EPOCHS + 1))
    assert resumed["model_sha256"] == whole[1]["model_sha256"]
    path = Path("start") / "seed-5.safetensors"
    assert (tmp_path / "run" / path).read_bytes() == (whole[0] / path).read_bytes()
    assert [file.name for file in (tmp_path / "run" / "start").iterdir()] == [path.name], "it is finished"


def test_so_does_that_of_a_role(tmp_path: Path, trained: list[int]) -> None:
    corpus = {**tiny_table()["corpus"], "unlabelled_speakers": 1}
    changes = {**BIGGER, "compare": [PATE], "corpus": corpus, "reproducible_noise": True}
    whole = _run(tmp_path / "whole", **changes)
    assert whole["failure"] is None
    trained.clear()
    with pytest.raises(StoppedError):
        _run(tmp_path / "run", Stopping(2, start=2), **changes)
    resumed = _run(tmp_path / "run", **changes)
    assert trained == [*range(1, EPOCHS + 1), *range(1, EPOCHS + 1)]
    assert resumed["model_sha256"] == whole["model_sha256"]


@pytest.mark.parametrize("change", ["facts", "damage"])
def test_what_another_stage_left_is_not_gone_on_from(
    change: str, tmp_path: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one of another version of fedasr or torch: half of it would be no version's start."""
    with pytest.raises(StoppedError):
        _run(tmp_path / "run", Stopping(2))
    checkpoint = checkpoint_of(tmp_path / "run" / "start" / "seed-5.safetensors")
    if change == "damage":
        checkpoint.write_bytes(checkpoint.read_bytes()[:-5])
    else:
        monkeypatch.setattr("fedasr.engine.stages.start.computed_by", lambda recogniser: {"torch": "another"})
    trained.clear()
    _run(tmp_path / "run")
    assert trained == list(range(1, EPOCHS + 1))
