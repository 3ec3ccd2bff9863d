"""What is torn, absent or not of its form differs, in a line that names the file; nothing of it is a traceback."""

import json
from pathlib import Path

import pytest

from fedasr.common.errors import UserError
from fedasr.verification.findings import Scribe, wrong
from fedasr.verification.officer_page import page
from fedasr.verification.verdict import verify

NOBODY = {"speakers": [], "utterances": 0}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A run of no rows."""
    (tmp_path / "summary.json").write_text(
        json.dumps({"experiment": "e", "scored": "mean", "version": "0", "rows": []})
    )
    (tmp_path / "experiment.toml").write_text('name = "e"\nseed = 1\nscored = "mean"\ncompare = []\n')
    (tmp_path / "partition.json").write_text(json.dumps({"silos": [], "test": NOBODY, "development": NOBODY}))
    return tmp_path


def test_a_run_of_no_rows_holds(empty: Path) -> None:
    assert verify(empty).wrong == []
    assert "none differs" in page(verify(empty))


@pytest.mark.parametrize("name", ["summary.json", "experiment.toml"])
def test_without_its_summary_or_experiment_it_is_no_run(empty: Path, name: str) -> None:
    (empty / name).unlink()
    with pytest.raises(UserError, match="not a run folder"):
        verify(empty)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("summary.json", "{"), ("summary.json", "[]"), ("summary.json", '{"rows": [{}]}'),
        ("summary.json", '{"rows": 1}'), ("experiment.toml", "name ="),
    ],
)  # fmt: skip
def test_a_summary_or_experiment_that_nobody_can_read_is_told_in_a_line(empty: Path, name: str, content: str) -> None:
    (empty / name).write_text(content)
    with pytest.raises(UserError) as told:
        verify(empty)
    assert name in str(told.value)
    assert len(told.value.lines) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [("experiment.toml", 'name = "e"'), ("partition.json", "null"), ("partition.json", "{"), ("partition.json", "{}")],
)
def test_what_is_torn_or_of_another_form_differs(empty: Path, name: str, content: str) -> None:
    (empty / name).write_text(content)
    found = verify(empty)
    assert found.wrong
    assert "WHAT DIFFERS" in page(found)


def test_a_row_without_its_folder_differs(empty: Path) -> None:
    summary = json.loads((empty / "summary.json").read_text())
    row = {"name": "a", "folder": "a", "seed": 1, "status": "finished", "strategy": "fedavg"}
    (empty / "summary.json").write_text(json.dumps({**summary, "rows": [row]}))
    assert {found.check for found in verify(empty).wrong} >= {"rows", "bytes", "word errors", "weights", "epsilon"}


def test_numbers_are_equal_by_value_and_nothing_else_is() -> None:
    scribe = Scribe("check", "file")
    same = [(1, 1.0), (0.3, 0.1 + 0.2), (None, None), ("a", "a"), ([1], [1])]
    other = [(1, True), (None, 0), ("1", 1), (1.0, 1.0 + 1e-6), ([1], (1,)), (float("nan"), float("nan"))]
    assert wrong(scribe.same("", one, two, 1e-9) for one, two in same) == []
    assert len(wrong(scribe.same("", one, two, 1e-9) for one, two in other)) == len(other)
