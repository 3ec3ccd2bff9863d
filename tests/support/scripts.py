"""Scripts of `benchmarks/` as modules."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from support.tree import CHECKOUT


def script(name: str) -> ModuleType:
    """Return a script, loaded by its path under a name of its own: another package may be called as it is."""
    spec = importlib.util.spec_from_file_location(f"script_{name}", CHECKOUT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
