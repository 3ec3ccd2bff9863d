"""A stage's digest: equal for equal facts and for no others."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.experiment.training import TrainingSpec
from fedasr.runs.stages.stage import Stage, UndescribedError
from fedasr.runs.stages.stage_folder import RESULT, StageFolder, rows_of

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
ARRAYS = {"weights": np.arange(6, dtype=np.float32)}


@dataclass(frozen=True)
class One:
    value: Any


@dataclass(frozen=True)
class Other:
    value: Any


def _digest(value: Any) -> str:
    return Stage("stage", {"value": value}).digest


@given(PLAIN, PLAIN)
def test_digests_are_equal_where_facts_are(one: Any, other: Any) -> None:
    is_same = repr(one) == repr(other)  # 1, 1.0 and True are equal to Python, and not the same fact
    if is_same:
        assert _digest(one) == _digest(other)
    elif one != other:
        assert _digest(one) != _digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([], {}), ([["a", 1]], {"a": 1}), ("a", Path("a")), (One(1), Other(1)), (One(1), One(2)),
        (np.float32([1, 2]), np.float64([1, 2])), ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        (np.float32([1, 2]), np.float32([2, 1])), (np.zeros((2, 3)), np.zeros((3, 2))), ([1, [2]], [[1], 2]),
        (TrainingSpec(), TrainingSpec(batch_size=9)), (1, "1"), ("", None), (0.1, 0.1 + 2**-56),
    ],
)  # fmt: skip
def test_what_differs_has_another_digest(one: Any, other: Any) -> None:
    assert _digest(one) != _digest(other)


def test_the_order_of_a_mapping_says_nothing_and_the_name_of_the_stage_is_in_its_key() -> None:
    one, other = Stage("a", {"x": 1, "y": 2}), Stage("a", {"y": 2, "x": 1})
    assert one.key == other.key != Stage("b", one.facts).key


@pytest.mark.parametrize("value", [object(), lambda: None, {1, 2}, One(object()), {"a": [int]}])
def test_what_does_not_say_what_it_is_has_no_digest(value: Any) -> None:
    with pytest.raises(UndescribedError):
        _digest(value)


def test_a_class_of_somebody_else_is_known_by_its_code(tmp_path: Path) -> None:
    """Edited between two runs, under the same name with the same settings, it computes something else."""
    program = "import own; from fedasr.runs.stages.stage import Stage; print(Stage('s', {'v': own.Own(1)}).digest)"
    digests = []
    for body in ("return self.value", "return self.value", "return -self.value"):
        (tmp_path / "own.py").write_text(
            "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Own:\n    value: int\n\n"
            f"    def __call__(self):\n        {body}\n"
        )
        line = [sys.executable, "-B", "-c", program]
        digests.append(subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    assert digests[0] == digests[1] != digests[2]


def _folder(path: Path, row: str = "row", most_bytes: int = 1 << 20) -> StageFolder:
    path.mkdir(exist_ok=True)
    return StageFolder(path, row, most_bytes)


def test_a_result_is_found_by_the_same_silo_and_the_same_stage_alone(tmp_path: Path) -> None:
    folder, stage = _folder(tmp_path / "stages"), Stage("teacher", {"steps": 1})
    folder.keep(3, stage, ARRAYS, {"seconds": 1.5})
    found = folder.find(3, Stage("teacher", {"steps": 1}))
    assert found is not None
    np.testing.assert_array_equal(found[0]["weights"], ARRAYS["weights"])
    assert found[1] == {"seconds": 1.5}
    assert folder.find(4, stage) is None
    assert folder.find(3, Stage("teacher", {"steps": 2})) is None
    assert folder.find(3, Stage("hearing", {"steps": 1})) is None


def test_it_is_written_down_who_used_it(tmp_path: Path) -> None:
    stage = Stage("teacher", {})
    _folder(tmp_path / "stages", "first").keep(0, stage, ARRAYS, {})
    for row in ("second", "first", "second"):
        assert _folder(tmp_path / "stages", row).find(0, stage) is not None
    assert rows_of(tmp_path / "stages" / "silo-0" / stage.key) == ["first", "second"]


def test_a_silo_keeps_no_more_than_it_may(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "stages", most_bytes=2 * ARRAYS["weights"].nbytes)
    for steps in range(3):
        folder.keep(0, Stage("teacher", {"steps": steps}), ARRAYS, {})
    assert folder.find(0, Stage("teacher", {"steps": 0})) is not None
    assert folder.find(0, Stage("teacher", {"steps": 2})) is None
    folder.keep(1, Stage("teacher", {"steps": 2}), ARRAYS, {})
    assert folder.find(1, Stage("teacher", {"steps": 2})) is not None


def test_what_is_damaged_or_not_on_this_machine_is_as_good_as_none(tmp_path: Path) -> None:
    stage, absent = Stage("teacher", {}), StageFolder(tmp_path / "elsewhere", "row", 1 << 20)
    absent.keep(0, stage, ARRAYS, {})
    assert not (tmp_path / "elsewhere").exists()
    assert absent.find(0, stage) is None
    folder = _folder(tmp_path / "stages")
    folder.keep(0, stage, ARRAYS, {})
    file = tmp_path / "stages" / "silo-0" / stage.key / RESULT
    file.write_bytes(file.read_bytes()[:-3])
    assert folder.find(0, stage) is None
    folder.keep(0, stage, ARRAYS, {})
    assert folder.find(0, stage) is not None
    (file.parent / "rows.jsonl").write_text('{"row": "a"}\nno line\n{"row"')
    assert folder.find(0, stage) is not None
    assert rows_of(file.parent) == ["row"]
