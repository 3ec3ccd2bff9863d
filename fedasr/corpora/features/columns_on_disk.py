"""Columns of a prepared corpus on disk: NumPy's own files, mapped.

Weighed against Arrow's files (`pyarrow`, memory-mapped IPC, in which the field's data sets lie). Both are kept up by
many and lie on the disk alone: a column is open in milliseconds, whatever its size, and takes no memory of its own. For
Arrow speaks that other tools read its files. For ``.npy`` speaks that nothing is installed for it: neither Ray nor
Flower brings `pyarrow`, which is 170 MB on the disk and 5.5 MB of anonymous memory in every worker. 300,000 rows of a
column are taken in 0.3 ms against 10 ms, since a chunked array has to look for each row; a string is read in 0.5 µs
against 0.8. So numbers are ``.npy``, and strings lie as they do in Arrow's ``large_string``, offsets in one file and
UTF-8 in another: whoever wants Arrow wraps them without a copy (``LargeStringArray.from_buffers``); a test does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike, DTypeLike, NDArray

_ERRORS = "surrogatepass"
"""Names of files that are no text have lone surrogates, in Python."""


class Column:
    """A column of numbers, written from its first row to its last; a context manager.

    Parameters
    ----------
    path : Path
        Its file, ``.npy``.
    dtype : dtype
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self._dtype, self._rows = np.dtype(dtype), 0
        self._stream = path.open("wb")
        self._write_header()

    def __enter__(self) -> Column:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stream:
            # NumPy pads its headers, so that one of any number of rows fits where that of none stood.
            self._stream.seek(0)
            self._write_header()

    def add(self, values: ArrayLike) -> None:
        """Write some more rows."""
        rows = np.asarray(values, self._dtype)
        self._stream.write(rows.tobytes())
        self._rows += len(rows)

    def _write_header(self) -> None:
        about = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._rows,)}
        npy.write_array_header_1_0(self._stream, about)


class StringColumn:
    """A column of strings, written from its first row to its last; a context manager.

    Parameters
    ----------
    folder : Path
    name : str
        Of the files ``<name>.offsets.npy`` and ``<name>.utf8``.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._offsets, self._bytes = Column(folder / f"{name}.offsets.npy", np.int64), 0
        self._stream = (folder / f"{name}.utf8").open("wb")
        self._offsets.add([0])

    def __enter__(self) -> StringColumn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stream:
            self._offsets.__exit__(kind, error, trace)

    def add(self, values: Sequence[str]) -> None:
        """Write some more rows."""
        encoded = [value.encode("utf-8", _ERRORS) for value in values]
        ends = self._bytes + np.cumsum([len(value) for value in encoded], dtype=np.int64)
        self._offsets.add(ends)
        self._stream.write(b"".join(encoded))
        self._bytes = int(ends[-1]) if encoded else self._bytes


class MappedStrings:
    """Strings mapped from disk, by place; read when they are asked for.

    Parameters
    ----------
    offsets : ndarray of int64, shape (strings + 1,)
        Where each begins and ends, in bytes.
    utf8 : ndarray of uint8
    """

    def __init__(self, offsets: NDArray[np.int64], utf8: NDArray[np.uint8]) -> None:
        self.offsets, self.utf8 = offsets, utf8
        self._bytes = utf8.data

    @classmethod
    def opened(cls, folder: Path, name: str) -> MappedStrings:
        """Return the strings that a `StringColumn` wrote."""
        return cls(mapped_column(folder / f"{name}.offsets.npy"), mapped_bytes(folder / f"{name}.utf8"))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, place: int, /) -> str:
        if not 0 <= place < len(self):
            raise IndexError(f"there are {len(self)} strings, and no number {place}")
        return str(self._bytes[self.offsets[place] : self.offsets[place + 1]], "utf-8", _ERRORS)


def mapped_column(path: Path) -> NDArray[Any]:
    """Return the rows of a ``.npy`` file, mapped."""
    # Slices of a plain view are made in half the time of those of a memmap.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def mapped_bytes(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of a file, mapped; an empty one cannot be."""
    return np.asarray(np.memmap(path, np.uint8, mode="r")) if path.stat().st_size else np.zeros(0, np.uint8)
