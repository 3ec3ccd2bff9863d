import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import METRICS, TRAFFIC, RowFolder, Run


def test_folders_are_numbered_from_the_last(tiny: Experiment, tmp_path: Path) -> None:
    assert [Run.create(tiny, None, tmp_path).path.name for _ in range(2)] == ["tiny-1", "tiny-2"]
    (tmp_path / "tiny-9").mkdir()
    (tmp_path / "tiny-x").mkdir()
    (tmp_path / "tiny-too-50").mkdir()
    assert Run.create(tiny, None, tmp_path).path.name == "tiny-10"


def test_two_runs_started_at_once_get_two_folders(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.mkdir

    def race(path: Path, *mode: int) -> None:
        if Path(path).name == "tiny-1":
            real(path)  # somebody else is a moment faster
        real(path, *mode)

    monkeypatch.setattr(os, "mkdir", race)
    assert Run.create(tiny, None, tmp_path).path.name == "tiny-2"


def test_odd_names_make_plain_folders(tiny: Experiment, tmp_path: Path) -> None:
    odd = tiny.only(name="../my exp/ü")
    path = Run.create(odd, None, tmp_path).path
    assert path.parent == tmp_path
    assert Run.open(path).experiment == odd


def test_a_run_is_opened_as_it_was_created(tiny: Experiment, tmp_path: Path) -> None:
    run = Run.create(tiny, tmp_path / "a" / "b")
    assert Run.open(run.path) == run


def test_an_empty_folder_may_be_given(tiny: Experiment, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert Run.create(tiny, tmp_path / "empty").path == tmp_path / "empty"
    with pytest.raises(UserError, match="not empty"):
        Run.create(tiny, tmp_path / "empty")


def test_rewinding_forgets_what_came_after(tmp_path: Path) -> None:
    row = RowFolder(tmp_path)
    for name in (METRICS, TRAFFIC):
        row.append(name, [{"round": n, "silo": silo} for n in range(4) for silo in range(2)])
    with (tmp_path / METRICS).open("a") as file:
        file.write('{"round": 4, "si')
    row.rewind(2)
    row.append(METRICS, [{"round": 3}])
    assert [line["round"] for line in _lines(tmp_path / METRICS)] == [0, 0, 1, 1, 2, 2, 3]
    assert [line["round"] for line in _lines(tmp_path / TRAFFIC)] == [0, 0, 1, 1, 2, 2]


def _lines(path: Path) -> list:
    import json

    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_checkpoint_replaces_the_one_before(tmp_path: Path) -> None:
    row = RowFolder(tmp_path / "row")
    assert row.load_checkpoint() is None
    for round in (1, 2):
        row.save_checkpoint({"a": np.full(3, round)}, {"round": round}, [(7, {"r": np.full(2, round)})])
    saved = row.load_checkpoint()
    assert saved is not None
    assert saved[0]["a"].tolist() == [2, 2, 2]
    assert saved[1] == {"round": 2, "silos": [7]}
    assert [(silo, kept["r"].tolist()) for silo, kept in row.silo_states(saved[1])] == [(7, [2, 2])]
    assert [path.name for path in (row.path / "checkpoint").iterdir() if path.is_dir()] == ["silos-2"]


def test_a_crash_while_silos_are_saved_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    row = RowFolder(tmp_path / "row")

    def silos(round: int, crash: bool) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        yield 3, {"r": np.full(2, round)}
        if crash:
            raise KeyboardInterrupt
        yield 7, {"r": np.full(2, 10 * round)}

    row.save_checkpoint({"a": np.full(3, 1)}, {"round": 1}, silos(1, crash=False))
    with pytest.raises(KeyboardInterrupt):
        row.save_checkpoint({"a": np.full(3, 2)}, {"round": 2}, silos(2, crash=True))
    saved = row.load_checkpoint()
    assert saved is not None
    assert (saved[0]["a"].tolist(), saved[1]["round"]) == ([1, 1, 1], 1)
    kept = {silo: arrays["r"].tolist() for silo, arrays in row.silo_states(saved[1])}
    assert kept == {3: [1, 1], 7: [10, 10]}


def test_only_finished_rows_are_finished(tmp_path: Path) -> None:
    row = RowFolder(tmp_path)
    assert row.finished() is None
    row.finish({"status": "failed"})
    assert row.finished() is None
    row.finish({"status": "finished", "wer": 0.5})
    assert row.finished() == {"status": "finished", "wer": 0.5}


def test_a_refusal_removes_a_new_folder_but_no_results(tiny: Experiment, tmp_path: Path) -> None:
    def refuse(run: Run, is_new: bool) -> bool:
        with pytest.raises(UserError), run.discarded_if_refused(is_new):
            raise UserError("full")
        return run.path.exists()

    assert refuse(Run.create(tiny, tmp_path / "old"), is_new=False)
    assert not refuse(Run.create(tiny, tmp_path / "new"), is_new=True)
    run = Run.create(tiny, tmp_path / "begun")
    run.row(*tiny.rows()[0]).finish({"status": "finished"})
    assert refuse(run, is_new=True)
