"""Teachers are trained once for all rows that need the same: no bit, no byte and no ledger tells."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.unequal import SIZES, StoppedError, run_unequal
from support.watched import WatchedSilos

from fedasr.common.files import read_json, read_lines
from fedasr.engine.stages import keeping
from fedasr.silo.teachers import hearing, teacher

SILOS = len(SIZES)
MEASURED = {"wall_seconds", "training_cpu_seconds", "peak_memory_bytes"}
OPEN = {"reproducible_noise": True}


def _row(name: str, **options: Any) -> dict[str, Any]:
    known = {"epsilon": 1e4, "noise": 1.0, "teacher_steps": 2, "maximum_labels": 3}
    return {"name": name, "strategy": "pate", "options": {**known, **options}}


LABEL = _row("label")
SAME = [
    LABEL, _row("laplace", mechanism="lnmax", epsilon=2e4, noise=0.5), _row("whole", votes="utterance", epsilon=1e5),
    _row("mean", mechanism="noisy-mean", noise=0.05, epsilon=1e5), _row("weighted", weighting="utterances"),
]  # fmt: skip
"""Rows that differ in what follows the teachers."""


@dataclass
class Work:
    """What was computed, as it was."""

    trained: list[int] = field(default_factory=list)
    heard: int = 0


@contextmanager
def watched() -> Iterator[Work]:
    """Count what is computed in the block."""
    found, steps, heard = Work(), teacher.local_steps, hearing.heard

    def counted(host: Any, silo: Any, *others: Any) -> Any:
        found.trained.append(silo.number)
        return steps(host, silo, *others)

    def listened(*parts: Any) -> Any:
        found.heard += 1
        return heard(*parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher, "local_steps", counted)
        patch.setattr(hearing, "heard", listened)
        yield found


@pytest.fixture
def work() -> Iterator[Work]:
    with watched() as found:
        yield found


Together = tuple[Path, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def together(unequal_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Together:
    """Run all rows that need the same teachers."""
    folder = tmp_path_factory.mktemp("together") / "run"
    with watched() as work:
        rows = run_unequal(unequal_corpus, folder, *SAME, **OPEN)
    assert work.trained == list(range(SILOS))
    assert work.heard == SILOS, "one chunk, whatever is asked about it"
    return folder, {row["name"]: row for row in rows}


def _told(summary: dict[str, Any]) -> dict[str, Any]:
    """Return all of a row's summary that is not measured."""
    return {key: value for key, value in summary.items() if key not in MEASURED}


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what a row left behind, but for what was measured."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in ("metrics.jsonl", "row.jsonl") and not name.startswith("checkpoint"):
            yield name, path.read_bytes()


@pytest.mark.parametrize("row", SAME[1:], ids=lambda row: str(row["name"]))
def test_a_row_that_finds_its_teachers_leaves_what_it_leaves_alone(
    row: dict[str, Any], together: Together, unequal_corpus: Path, tmp_path: Path
) -> None:
    (alone,) = run_unequal(unequal_corpus, tmp_path / "run", row, **OPEN)
    assert alone["status"] == "finished", alone["failure"]
    folder, rows = together
    assert _told(alone) == _told(rows[row["name"]])
    found = dict(_files(folder / row["name"]))
    assert found == dict(_files(tmp_path / "run" / row["name"]))
    assert {"traffic.jsonl", "releases/ledger.jsonl", "model.safetensors"} <= found.keys()
    lines = [read_lines(path / row["name"] / "metrics.jsonl") for path in (folder, tmp_path / "run")]
    for name in ("simulated_seconds", "uplink_bytes", "downlink_bytes", "silos", "development_wer"):
        assert [line[name] for line in lines[0]] == [line[name] for line in lines[1]]


def test_the_order_of_the_rows_says_nothing(
    together: Together, unequal_corpus: Path, tmp_path: Path, work: Work
) -> None:
    back = run_unequal(unequal_corpus, tmp_path / "back", *SAME[1::-1], **OPEN)
    assert [_told(row) for row in back] == [_told(together[1][row["name"]]) for row in back]
    assert len(work.trained) == SILOS


OTHERS = [
    {"options": {"teacher_steps": 3}}, {"options": {"teacher_start": "scratch"}}, {"training": {"learning_rate": 0.04}},
    {"training": {"batch_size": 3}}, {"training": {"optimizer": "adamw"}},
]  # fmt: skip


def test_other_teachers_are_others(unequal_corpus: Path, tmp_path: Path, work: Work) -> None:
    rows = [{**_row(f"{n}", **other.get("options", {})), **{key: other[key] for key in other if key != "options"}}
            for n, other in enumerate(OTHERS)]  # fmt: skip
    found = run_unequal(unequal_corpus, tmp_path / "run", *rows, LABEL, **OPEN)
    assert not [row["failure"] for row in found if row["failure"]]
    assert len(work.trained) == len(found) * SILOS
    shared = tmp_path / "run" / "shared.json"  # a batch of two utterances or of three is one to a silo of two
    assert not shared.exists() or '"teacher"' not in shared.read_text()


def test_teachers_of_another_seed_are_others(unequal_corpus: Path, tmp_path: Path, work: Work) -> None:
    """Else the noise of their training would be missing from the interval."""
    run_unequal(unequal_corpus, tmp_path / "run", *SAME[:2], seeds=[1, 2], **OPEN)
    assert len(work.trained) == 2 * SILOS
    shared = read_json(tmp_path / "run" / "shared.json")["shared"]
    assert [stage["rows"] for stage in shared if stage["name"] == "teacher"] == [
        ["label@1", "laplace@1"], ["label@2", "laplace@2"],
    ]  # fmt: skip


def test_each_row_draws_its_own_noise_and_pays_for_it(unequal_corpus: Path, tmp_path: Path, work: Work) -> None:
    rows = [_row(name, noise=200.0) for name in ("one", "other")]
    found = run_unequal(unequal_corpus, tmp_path / "run", *rows)
    assert len(work.trained) == SILOS
    answers = [dict(_files(tmp_path / "run" / row["name"] / "releases")) for row in rows]
    votes = [{name: said for name, said in each.items() if name.startswith("votes.0.0")} for each in answers]
    assert votes[0].keys() == votes[1].keys() != set()
    assert answers[0] != answers[1], "noise of 200 on four votes: no two answers of the secure source are alike"
    for row, summary in zip(rows, found, strict=True):
        ledger = read_lines(tmp_path / "run" / row["name"] / "releases" / "ledger.jsonl")
        votes_paid = sum(release["count"] for release in ledger)
        assert votes_paid == json.loads((tmp_path / "run" / row["name"] / "votes.json").read_text())["votes"]
        assert summary["epsilon"] > 0


def _stopping(silo: int) -> WatchedSilos:
    def before(asked: int, kind: str) -> None:
        if (asked, kind) == (silo, "train.teacher"):
            raise StoppedError

    return WatchedSilos(before)


def test_a_row_that_is_killed_among_its_teachers_trains_the_others_alone(
    together: Together, unequal_corpus: Path, tmp_path: Path, work: Work
) -> None:
    with pytest.raises(StoppedError):
        run_unequal(unequal_corpus, tmp_path / "run", LABEL, grid=_stopping(2), **OPEN)
    assert work.trained == [0, 1]
    (resumed,) = run_unequal(unequal_corpus, tmp_path / "run", LABEL, **OPEN)
    assert work.trained == [0, 1, 2, 3]
    assert _told(resumed) == _told(together[1]["label"])
    assert dict(_files(tmp_path / "run" / "label")) == dict(_files(together[0] / "label"))


@pytest.mark.parametrize("damage", ["removed", "cut", "full"])
def test_without_what_was_kept_the_same_is_computed_again(
    damage: str, together: Together, unequal_corpus: Path, tmp_path: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two rows, as on a machine that has not what another kept."""
    opened = keeping.open_stages

    def damaged(run: Any, row: str, silos: int) -> Any:
        if damage == "full":
            monkeypatch.setattr(keeping, "MOST_BYTES", 1000)
        for path in (run.path / "stages").rglob("result.safetensors"):
            path.write_bytes(path.read_bytes()[:-9]) if damage == "cut" else path.unlink()
        return opened(run, row, silos)

    monkeypatch.setattr("fedasr.engine.all_rows.open_stages", damaged)
    found = run_unequal(unequal_corpus, tmp_path / "run", *SAME[:2], **OPEN)
    assert len(work.trained) == 2 * SILOS
    assert [_told(row) for row in found] == [_told(together[1][row["name"]]) for row in found]


def test_the_page_says_who_shares_and_what_nobody_can_need_again_is_gone(together: Together) -> None:
    folder, rows = together
    *others, last = rows
    page = (folder / "report.html").read_text()
    assert f"{', '.join(others)} and {last} share {SILOS} teachers, trained once" in page
    assert not (folder / "stages").exists()


def test_what_is_kept_lies_with_each_silo_until_all_rows_have_finished(
    unequal_corpus: Path, tmp_path: Path, work: Work
) -> None:
    broken = {"name": "broken", "strategy": "fedavg", "training": {"learning_rate": 1e30, "gradient_norm": 1e30}}
    rows = run_unequal(unequal_corpus, tmp_path / "run", LABEL, broken)
    assert [row["status"] for row in rows] == ["finished", "failed"]
    folders = sorted((tmp_path / "run" / "stages").iterdir())
    assert [folder.name for folder in folders] == [f"silo-{silo}" for silo in range(SILOS)]
    for folder in folders:
        assert sorted(path.name.partition("-")[0] for path in folder.iterdir()) == ["hearing", "teacher"]


def _stages(corpus: Path, folder: Path) -> set[str]:
    """Return the names of the stages of a run whose last row is stopped, so that they are still there."""
    rows = [LABEL, {**LABEL, "name": "stopped", "options": {**LABEL["options"], "teacher_steps": 1}}]
    with pytest.raises(StoppedError):
        run_unequal(corpus, folder, *rows, grid=_stopping_second(), **OPEN)
    return {path.name for path in (folder / "stages").glob("silo-*/*")}


def _stopping_second() -> WatchedSilos:
    asked = []

    def before(silo: int, kind: str) -> None:
        asked.append((silo, kind))
        if asked.count((0, "train.teacher")) > 1:
            raise StoppedError

    return WatchedSilos(before)


@pytest.fixture(scope="module")
def before(unequal_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], set[str]]:
    """Return who holds which speech, and the names of the stages."""
    folder = tmp_path_factory.mktemp("before") / "run"
    names = _stages(unequal_corpus, folder)
    return json.loads((folder / "partition.json").read_text()), names


@pytest.mark.parametrize("readable", [False, True])
def test_no_transcript_that_nobody_may_read_is_in_a_digest(
    readable: bool, before: tuple[dict[str, Any], set[str]], unequal_corpus: Path, tmp_path: Path
) -> None:
    partition, names = before
    unread = partition["public_unlabelled"]["speakers"] + partition["test"]["speakers"]
    speakers = partition["silos"][1]["speakers"] if readable else unread
    other = tmp_path / "other"
    shutil.copytree(unequal_corpus, other)
    lines = [json.loads(line) for line in (other / "manifest.jsonl").read_text().splitlines()]
    changed = [{**line, "text": "one two"} if line["speaker"] in speakers else line for line in lines]
    assert changed != lines
    (other / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed))
    assert (_stages(other, tmp_path / "again") == names) == (not readable)
