import os
from pathlib import Path

import pytest

from fedasr.common.errors import UserError
from fedasr.common.files import read_json
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import Run
from fedasr.runs.row_summary import RowSummary


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


def test_a_refusal_removes_a_new_folder_but_no_results(tiny: Experiment, tmp_path: Path) -> None:
    def refuse(run: Run, is_new: bool) -> bool:
        with pytest.raises(UserError), run.discarded_if_refused(is_new):
            raise UserError("full")
        return run.path.exists()

    assert refuse(Run.create(tiny, tmp_path / "old"), is_new=False)
    assert not refuse(Run.create(tiny, tmp_path / "new"), is_new=True)
    run = Run.create(tiny, tmp_path / "begun")
    run.row(*tiny.rows()[0]).finish(RowSummary("public-only", "finished", "public-only", "public-only"))
    assert refuse(run, is_new=True)


def _summary(name: str, **found: object) -> RowSummary:
    return RowSummary(name, "finished", name, name, **found)  # type: ignore[arg-type]


def test_amending_a_row_changes_its_two_lines_and_no_other(tiny: Experiment, tmp_path: Path) -> None:
    run = Run.create(tiny, tmp_path / "run")
    rows = [_summary(row.name, wer=0.5, epsilon=8.0) for row in tiny.compare]
    for (row, seed), line in zip(tiny.rows(), rows, strict=True):
        run.row(row, seed).finish(line)
    run.write_summary("1.2.3", rows)
    before = read_json(run.path / "summary.json")
    amended = run.amend(*tiny.rows()[1], epsilon_empirical=0.75)
    before["rows"][1]["epsilon_empirical"] = 0.75
    assert read_json(run.path / "summary.json") == before
    assert [run.row(*one).finished() for one in tiny.rows()] == [rows[0], amended]
    assert (amended.epsilon_empirical, amended.wer) == (0.75, 0.5)


def test_only_finished_rows_are_amended(tiny: Experiment, tmp_path: Path) -> None:
    run, (row, seed) = Run.create(tiny, tmp_path / "run"), tiny.rows()[0]
    for end in (None, RowSummary(row.name, "failed", row.name, row.name)):
        if end:
            run.row(row, seed).finish(end)
        with pytest.raises(UserError, match=f"not finished; go on with --resume {run.path}"):
            run.amend(row, seed, epsilon_empirical=1.0)
    run.row(row, seed).finish(_summary(row.name))
    with pytest.raises(TypeError, match="epsilon_empirica"):
        run.amend(row, seed, epsilon_empirica=1.0)
