import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedasr.common.errors import UserError
from fedasr.common.files import (
    append_lines,
    check_writable,
    load_arrays,
    read_lines,
    save_arrays,
    write_bytes,
    write_json,
    write_lines,
)
from fedasr.common.strict_json import parsed

arrays = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6).filter(
        lambda name: name != "__metadata__"
    ),
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.float16]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
    max_size=4,
)


@given(arrays=arrays)
def test_arrays_come_back(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("arrays") / "x.safetensors"
    save_arrays(path, arrays, {"round": 3, "text": "ü"})
    found, description = load_arrays(path)
    assert description == {"round": 3, "text": "ü"}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_other_memory_orders_come_back(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(2, 3)
    save_arrays(tmp_path / "x", {"f": np.asfortranarray(array), "s": np.repeat(array, 2, 1)[:, ::2]}, {})
    for found in load_arrays(tmp_path / "x")[0].values():
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"not a model", b"\xff" * 100])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match="not a model or checkpoint"):
        load_arrays(tmp_path / "x")


def test_every_truncation_of_a_model_is_refused(tmp_path: Path) -> None:
    save_arrays(tmp_path / "x", {"a": np.arange(5.0)}, {"b": 1})
    whole = (tmp_path / "x").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "y").write_bytes(whole[:length])
        with pytest.raises(UserError):
            load_arrays(tmp_path / "y")


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2)}, tmp_path / "x")
    with pytest.raises(UserError, match="not a model or checkpoint"):
        load_arrays(tmp_path / "x")
    with pytest.raises(UserError, match="no such file"):
        load_arrays(tmp_path / "y")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes(tmp_path / "x", b"old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(UserError, match="the disk is full"):
                write_bytes(tmp_path / "x", b"new")
        assert [path.name for path in tmp_path.iterdir()] == ["x"]
        assert (tmp_path / "x").read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_when_lines_are_appended() -> None:
    with pytest.raises(UserError, match="the disk is full"):
        append_lines(Path("/dev/full"), [{"a": 1}])


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_bytes(tmp_path / "file" / "below", b"")
    with pytest.raises(UserError, match="cannot be written"):
        append_lines(tmp_path / "file" / "below", [{}])


rows = st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=4) | st.none()), max_size=4)


@given(rows, rows)
def test_lines_come_back(first: list, second: list) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sub" / "x.jsonl"
        assert read_lines(path) == []
        append_lines(path, first)
        append_lines(path, second)
        assert read_lines(path) == first + second
        write_lines(path, second)
        assert read_lines(path) == second


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    append_lines(tmp_path / "x", [{"a": 1}, {"a": 2}])
    whole = (tmp_path / "x").read_bytes()
    for length in range(9, len(whole)):
        (tmp_path / "x").write_bytes(whole[:length])
        assert read_lines(tmp_path / "x") == [{"a": 1}]


def test_json_is_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"b": "ü", "a": [1]})
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert parsed(text, "x.json") == {"b": "ü", "a": [1]}
    assert "ü" in text
    assert text.index('"b"') < text.index('"a"')
    assert text.endswith("\n")


def test_written_files_may_be_read_as_others_are(tmp_path: Path) -> None:
    write_bytes(tmp_path / "x", b"")
    (tmp_path / "y").write_bytes(b"")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "y").stat().st_mode


def test_half_a_character_is_written_as_json_escapes_it(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 must not end a run that has trained."""
    rows = [{"id": "caf\udce9.wav", "text": "h\ud83d é"}]
    write_lines(tmp_path / "lines.jsonl", rows)
    append_lines(tmp_path / "lines.jsonl", rows)
    write_json(tmp_path / "one.json", rows)
    assert read_lines(tmp_path / "lines.jsonl") == rows * 2
    assert json.loads((tmp_path / "one.json").read_text()) == rows


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    check_writable(tmp_path / "a" / "b", "--out")
    check_writable(tmp_path / "empty", "--out")
    for bad in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere/below")):
        with pytest.raises(UserError, match=f"--out {bad}: cannot be written to"):
            check_writable(bad, "--out")
    assert sorted(tmp_path.rglob("*")) == before
