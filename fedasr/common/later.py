"""Work that is done when it is asked for: the executor of one thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Later(Executor):
    """Computes each piece of work in the thread that asks for its result, once, and none that nobody asks for."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return _Work(partial(fn, *args, **kwargs))


class _Work(Future[T]):
    def __init__(self, take: Callable[[], T]) -> None:
        super().__init__()
        self._take = take

    def result(self, timeout: float | None = None) -> T:
        if not self.done():
            self.set_result(self._take())
        return super().result()


LATER = Later()
"""It remembers nothing: one is enough."""
