import errno
import os
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from fedasr.common.errors import UserError
from fedasr.messages.traffic import Traffic
from fedasr.runs.data import RoundData
from fedasr.runs.file_names import METRICS
from fedasr.runs.row_folder import RowFolder
from fedasr.runs.row_summary import RowSummary


def test_rewinding_forgets_what_came_after(tmp_path: Path) -> None:
    row = RowFolder(tmp_path)
    for n in range(4):
        row.log_round(RoundData(n), [Traffic(n, silo, "up", "train", 5, 6) for silo in range(2)])
    with (tmp_path / METRICS).open("a") as file:
        file.write('{"round": 4, "si')
    row.rewind(2)
    row.log_round(RoundData(3, 0.5, refused=(1,)), [])
    assert [line.round for line in row.rounds()] == [0, 1, 2, 3]
    assert row.rounds()[-1] == RoundData(3, 0.5, refused=(1,))
    assert [(m.round, m.silo) for m in row.messages()] == [(n, silo) for n in range(3) for silo in range(2)]


def test_a_checkpoint_replaces_the_one_before(tmp_path: Path) -> None:
    row = RowFolder(tmp_path / "row")
    assert row.load_checkpoint() is None
    for round in (1, 2):
        row.save_checkpoint({"a": np.full(3, round)}, {"round": round}, [(7, {"r": np.full(2, round)})])
    saved = row.load_checkpoint()
    assert saved is not None
    assert saved[0]["a"].tolist() == [2, 2, 2]
    assert {key: saved[1][key] for key in ("round", "silos")} == {"round": 2, "silos": [7]}
    assert [(silo, kept["r"].tolist()) for silo, kept in row.silo_states(saved[1])] == [(7, [2, 2])]
    assert [path.name for path in (row.path / "checkpoint").iterdir() if path.is_dir()] == ["silos-2"]


def test_a_crash_while_silos_are_saved_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, real = RowFolder(tmp_path / "row"), os.replace

    def save(round: int) -> None:
        silos = [(silo, {"r": np.full(2, round * silo)}) for silo in (3, 7)]
        row.save_checkpoint({"a": np.full(3, round)}, {"round": round}, iter(silos))

    def full(source: Path, target: Path) -> None:
        if Path(target).name.startswith("7."):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    save(1)
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="full"):
        save(2)
    saved = row.load_checkpoint()
    assert saved is not None
    assert (saved[0]["a"].tolist(), saved[1]["round"]) == ([1, 1, 1], 1)
    assert {silo: kept["r"].tolist() for silo, kept in row.silo_states(saved[1])} == {3: [3, 3], 7: [7, 7]}


def test_only_finished_rows_are_finished(tmp_path: Path) -> None:
    row, summary = RowFolder(tmp_path), RowSummary("a", "failed", "fedavg", "a")
    assert row.finished() is None
    row.finish(summary)
    assert row.finished() is None
    row.finish(replace(summary, status="finished", wer=0.5))
    assert row.finished() == replace(summary, status="finished", wer=0.5)


def test_a_line_of_the_summary_comes_back_as_it_was(tmp_path: Path) -> None:
    """Every field holds something of its own type: one that were read as another would not come back."""
    made = {
        "str": "x", "str | None": "y", "int | None": 2**60 + 1, "bool | None": False, "float | None": 0.1,
        "tuple[str, ...]": ("a", "b"), "tuple[float, float] | None": (0.25, 0.5),
        "Mapping[str, str] | None": {"a": "b"},
    }  # fmt: skip
    values = {field.name: made[str(field.type)] for field in fields(RowSummary)}
    row, summary = RowFolder(tmp_path), RowSummary(**{**values, "status": "finished"})
    row.finish(summary)
    assert row.finished() == summary


def test_a_line_of_an_earlier_version_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "row.jsonl").write_text('{"name": "a", "folder": "a", "status": "finished", "wer": 0.5, "odd": 1}\n')
    found = RowFolder(tmp_path).finished()
    assert found is not None
    assert (found.wer, found.epsilon, found.strategy) == (0.5, None, "")


def _ended(path: Path) -> RowFolder:
    row = RowFolder(path)
    row.log_round(RoundData(0), [Traffic(0, 1, "up", "train", 5, 6)])
    row.finish(RowSummary("a", "finished", "fedavg", "a", wer=0.5))
    return row


def test_a_line_that_was_changed_is_corrupt(tmp_path: Path) -> None:
    row = _ended(tmp_path)
    text = (tmp_path / "row.jsonl").read_text()
    (tmp_path / "row.jsonl").write_text(text.replace('"wer": 0.5', '"wer": 0.4'))
    with pytest.raises(UserError, match=r"row.jsonl: corrupt .* remove .* to run the row again"):
        row.finished()


def test_files_that_changed_since_the_row_ended_are_named(tmp_path: Path) -> None:
    row = _ended(tmp_path)
    assert row.end.damaged() == []
    row.end.amend(replace(row.finished(), wer=0.25))  # type: ignore[type-var]
    (tmp_path / METRICS).write_text((tmp_path / METRICS).read_text().replace("0", "1"))
    (tmp_path / "traffic.jsonl").unlink()
    assert row.end.damaged() == [METRICS, "traffic.jsonl"]
    row.end.check("hypotheses.jsonl")
    with pytest.raises(UserError, match=r"metrics\.jsonl: corrupt"):
        row.end.check(METRICS)


def test_a_log_that_is_not_that_of_the_checkpoint_is_refused_and_what_came_after_is_cut(tmp_path: Path) -> None:
    row = RowFolder(tmp_path)
    for number in range(2):
        row.log_round(RoundData(number), [Traffic(number, 1, "up", "train", 5, 6)])
    row.save_checkpoint({"a": np.ones(2)}, {"round": 1})
    whole = (tmp_path / METRICS).read_bytes()
    (tmp_path / METRICS).write_bytes(whole + b'{"round": 0, "odd": ')
    saved = row.load_checkpoint()
    assert saved is not None
    row.rewind(1, saved[1])
    assert (tmp_path / METRICS).read_bytes() == whole
    (tmp_path / METRICS).write_bytes(whole.replace(b'"round": 1', b'"round": 0'))
    with pytest.raises(UserError, match=r"metrics\.jsonl: corrupt"):
        row.load_checkpoint()


def test_a_file_of_another_silo_or_another_release_is_corrupt(tmp_path: Path) -> None:
    row = RowFolder(tmp_path)
    row.save_checkpoint({"a": np.ones(2)}, {"round": 1}, [(3, {"r": np.ones(1)}), (7, {"r": np.zeros(1)})])
    shutil.copy(tmp_path / "checkpoint/silos-1/3.safetensors", tmp_path / "checkpoint/silos-1/7.safetensors")
    saved = row.load_checkpoint()
    assert saved is not None
    with pytest.raises(UserError, match=r"7\.safetensors: corrupt .*silo 3"):
        list(row.silo_states(saved[1]))
    for key in "ab":
        row.releases.save_messages(key, [Traffic(0, 1, "up", "train", 5, 6)])
        row.releases.save(key, {"x": np.ones(1)}, {"key": key, "draw": ""})
    assert row.releases.messages("a") == [Traffic(0, 1, "up", "train", 5, 6)]
    seen = tmp_path / "seen" / "a.jsonl"
    seen.write_text(seen.read_text().replace("5", "4"))
    with pytest.raises(UserError, match=r"a\.jsonl: corrupt"):
        row.releases.messages("a")
    shutil.copy(tmp_path / "releases/b.safetensors", tmp_path / "releases/a.safetensors")
    with pytest.raises(UserError, match=r"a\.safetensors: corrupt \(it is the release 'b'\)"):
        row.releases.load("a")


def test_what_was_answered_without_pay_cannot_be_forgotten(tmp_path: Path) -> None:
    row = RowFolder(tmp_path)
    row.releases.save_unpaid(["train"])
    row.save_checkpoint({"a": np.ones(2)}, {"round": 1})
    path = tmp_path / "unpaid.jsonl"
    whole = path.read_text()
    path.write_text(whole.replace('"train"', '"speech"'))
    with pytest.raises(UserError, match=r"unpaid\.jsonl: corrupt"):
        row.releases.unpaid()
    path.unlink()
    with pytest.raises(UserError, match=r"unpaid\.jsonl: corrupt"):
        row.load_checkpoint()
