"""A strategy as a table of nodes: an object once, however many names it has, and everything else as JSON in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.exact_scalars import is_scalar, written
from fedasr.server.state.refusal import UnsavableError

Json = Any
PREFIX = "strategy"
INLINE = 256
"""Bytes up to so many stand in the JSON."""


@dataclass(frozen=True)
class Form:
    """How values of a kind are written down and made again.

    Attributes
    ----------
    tag : str
    write : callable
        ``write(value, writer, where)`` returns JSON.
    make : callable
        ``make(content, reader, current)`` returns the value, `current` being what stands there in the new strategy;
        an empty one, where `fill` puts in what it holds.
    fill : callable, optional
        ``fill(value, content, reader, current)``. Without it a value cannot hold itself.
    """

    tag: str
    write: Callable[[Any, Writer, str], Json]
    make: Callable[[Json, Any, Any], Any]
    fill: Callable[[Any, Json, Any, Any], None] | None = None


class Writer:
    """Writes values down.

    Parameters
    ----------
    form_of : callable
        Returns the form of a value; None where it has none.
    """

    def __init__(self, form_of: Callable[[Any], Form | None]) -> None:
        self.nodes: list[Json] = []
        self.arrays: dict[str, NDArray[Any]] = {}
        self.held: list[Any] = []
        """Every object that was met: kept, so that no other takes its number."""
        self._form_of = form_of
        self._numbers: dict[int, int] = {}
        self._open: set[int] = set()
        self._memory: list[tuple[int, int, bool, str]] = []

    def value(self, value: Any, where: str) -> Json:
        """Return a value as JSON: itself, or the number of its node.

        Raises
        ------
        UnsavableError
            Where there is no form for it, or for something in it.
        """
        if is_scalar(value) and not (type(value) is bytes and len(value) > INLINE):
            try:
                return written(value)
            except TypeError as error:
                raise UnsavableError(f"{where}: {error} cannot be saved") from error
        number = self._numbers.get(id(value))
        if number is None:
            number = self._node(value, where)
        elif number in self._open:
            raise UnsavableError(f"{where}: a {type(value).__name__} that holds itself cannot be saved")
        return {"at": number}

    def _node(self, value: Any, where: str) -> int:
        number = self._numbers[id(value)] = len(self.nodes)
        self.held.append(value)
        form = self._form_of(value)
        if form is None:
            raise UnsavableError(f"{where}: a {type(value).__name__} cannot be saved")
        self.nodes.append(None)
        if form.fill is None:
            self._open.add(number)
        self.nodes[number] = [form.tag, form.write(value, self, where)]
        self._open.discard(number)
        return number

    def mapping(self, values: Mapping[str, Any], where: str) -> Json:
        """Return named values as pairs of name and JSON."""
        return [[name, self.value(value, f"{where}.{name}" if where else name)] for name, value in values.items()]

    def array(self, array: NDArray[Any], where: str) -> Json:
        """Keep an array under a number, and return what tells how it lies there.

        Raises
        ------
        UnsavableError
            Where it holds Python objects, or shares memory with another that was kept: what is then written to one
            would be seen in the other.
        """
        if array.dtype.hasobject:
            raise UnsavableError(f"{where}: an array of Python objects cannot be saved")
        self._claim(array, where)
        is_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        return [self.raw(array.T if is_fortran else array), "F" if is_fortran else "C"]

    def raw(self, array: NDArray[Any]) -> int:
        """Keep an array, and return its number."""
        number = len(self.arrays)
        self.arrays[f"{PREFIX}/{number}"] = array
        return number

    def _claim(self, array: NDArray[Any], where: str) -> None:
        if not array.size:
            return
        low, high = np.lib.array_utils.byte_bounds(array)
        self._memory.append((low, high, array.flags.writeable, where))

    def check_memory(self) -> None:
        """Refuse arrays that lie in each other, if one of them can be written to."""
        end, last, is_written = 0, "", False
        for low, high, writeable, where in sorted(self._memory):
            if low < end and (writeable or is_written):
                raise UnsavableError(f"{where} shares memory with {last}, which cannot be saved")
            if high > end:
                end, last, is_written = high, where, writeable
