"""The scripts of `benchmarks/` that write speech in each form, for tests."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from support.tree import CHECKOUT


def benchmark(name: str) -> ModuleType:
    """Return a module of `benchmarks/`, which is no package."""
    folder = str(CHECKOUT / "benchmarks")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)
