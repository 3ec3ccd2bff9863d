"""What `writer` wrote, made again: first all of it, and only then put into the new strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.exact_scalars import read
from fedasr.server.state.objects import MISSING
from fedasr.server.state.refusal import UnsavableError
from fedasr.server.state.supplied import Supplied
from fedasr.server.state.writer import PREFIX, Form, Json


class Reader:
    """Makes values of what was written.

    Parameters
    ----------
    nodes : list
    arrays : mapping of str to ndarray
    forms : mapping of str to Form
        By tag.
    supplied : Supplied
        Where functions and classes are found.
    """

    def __init__(
        self, nodes: list[Json], arrays: Mapping[str, NDArray[Any]], forms: Mapping[str, Form], supplied: Supplied
    ) -> None:
        self.supplied = supplied
        self.later: list[Callable[[], None]] = []
        """What is to be done to the new strategy's own objects once all is made."""
        self.taken: set[int] = set()
        """Functions of the new strategy that have been given what they hold."""
        self._nodes = nodes
        self._arrays = arrays
        self._forms = forms
        self._made: dict[int, Any] = {}
        self._open: set[int] = set()

    def adopt(self, number: int, value: Any) -> None:
        """Let an object of the new strategy stand for a node."""
        self._made[number] = value

    def node(self, number: int) -> tuple[str, Json]:
        """Return the tag and the content of a node."""
        tag, content = self._nodes[number]
        return tag, content

    def value(self, content: Json, current: Any = MISSING) -> Any:
        """Return the value of some JSON, `current` standing in its place in the new strategy."""
        if not (isinstance(content, dict) and "at" in content):
            return read(content)
        number = content["at"]
        if number not in self._made:
            if number in self._open:
                raise UnsavableError("a value that holds itself")
            self._open.add(number)
            self._make(number, current)
            self._open.discard(number)
        return self._made[number]

    def _make(self, number: int, current: Any) -> None:
        tag, content = self.node(number)
        form = self._forms[tag]
        self._made[number] = value = form.make(content, self, current)
        if form.fill is not None:
            self._open.discard(number)
            form.fill(value, content, self, current)

    def mapping(self, content: Json, current: Mapping[str, Any]) -> dict[str, Any]:
        """Return named values."""
        return {name: self.value(inner, current.get(name, MISSING)) for name, inner in content}

    def raw(self, number: int) -> NDArray[Any]:
        """Return a kept array, a copy."""
        return np.array(self._arrays[f"{PREFIX}/{number}"])

    def array(self, content: Json) -> NDArray[Any]:
        """Return an array as it lay, writable."""
        number, order = content
        found = self.raw(number)
        return found.T if order == "F" else found
