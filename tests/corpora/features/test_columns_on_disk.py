"""Columns on disk: what was written is read, and others read it too."""

from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.corpora.features.columns_on_disk import Column, MappedStrings, StringColumn, mapped_column

ANY_STRING = st.text(st.characters(), max_size=9)
"""Lone surrogates among them: names of files that are no text."""


@given(st.lists(st.lists(ANY_STRING, max_size=4), max_size=4))
def test_strings_are_read_as_they_were_written_portion_by_portion(portions: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        with StringColumn(Path(folder), "id") as column:
            for portion in portions:
                column.add(portion)
        found = MappedStrings.opened(Path(folder), "id")
        assert [found[place] for place in range(len(found))] == list(chain(*portions))
        for beyond in (len(found), -1):
            with pytest.raises(IndexError):
                found[beyond]


@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4), max_size=4))
def test_a_column_of_numbers_is_a_file_of_numpy(portions: list[list[int]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        with Column(path, np.int32) as column:
            for portion in portions:
                column.add(portion)
        assert np.load(path).dtype == np.int32
        assert np.load(path).tolist() == mapped_column(path).tolist() == list(chain(*portions))
        assert not mapped_column(path).flags.writeable


def test_arrow_reads_strings_without_a_copy(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="it comes with the extra 'datasets'")
    with StringColumn(tmp_path, "text") as column:
        column.add(["one", "", "zwölf"])
    found = MappedStrings.opened(tmp_path, "text")
    buffers = [pyarrow.py_buffer(part) for part in (found.offsets, found.utf8)]
    arrow = pyarrow.LargeStringArray.from_buffers(len(found), *buffers)
    assert arrow.to_pylist() == ["one", "", "zwölf"]
    assert arrow.buffers()[2].address == found.utf8.ctypes.data
