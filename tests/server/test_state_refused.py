"""What cannot be written down without pickle is refused by the name of the attribute that holds it."""

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from fedasr.server.strategy_state import UnsavableError, state_of


class Keeping:
    def __init__(self, value: object) -> None:
        self.value = value


def loop() -> Any:
    inside: list[Any] = []
    pair = (inside,)
    inside.append(pair)
    return pair


def deep() -> Any:
    found: Any = []
    for _ in range(100_000):
        found = [found]
    return found


def view() -> Any:
    array = np.zeros(4)
    return [array, array[1:]]


def tensor_and_array() -> Any:
    tensor = torch.zeros(2)
    return {"tensor": tensor, "array": tensor.numpy()}


UNSAVABLE: dict[str, Callable[[], Any]] = {
    "object": object, "generator": lambda: (n for n in range(3)), "lock": threading.Lock, "file": lambda: sys.stdout,
    "loop": loop, "deep": deep, "view": view, "tensor_and_array": tensor_and_array, "iterator": lambda: iter([1]),
    "objects": lambda: np.array([object()]), "graph": lambda: torch.ones(1, requires_grad=True) * 2,
    "method of a list": lambda: [].append, "masked": lambda: np.ma.array([1.0]), "map": lambda: map(int, [1]),
    "memory": lambda: memoryview(b"a"), "thread": threading.Thread,
}  # fmt: skip


@pytest.mark.parametrize("name", UNSAVABLE)
def test_what_cannot_be_written_down_is_refused_by_the_attributes_name(name: str) -> None:
    with pytest.raises(UnsavableError, match=r"value|too deep"):
        state_of(Keeping(UNSAVABLE[name]()))
