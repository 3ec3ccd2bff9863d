"""Federated, distributed and private training of speech recognisers, side by side.

>>> import fedasr
>>> result = fedasr.run("quickstart")  # doctest: +SKIP
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = version("fedasr")
COMMANDS = ("simulate", "evaluate", "transcribe", "replay", "conform", "verify", "privacy", "report")
__all__ = ["Experiment", "Result", "evaluate", "run", "transcribe"]

if TYPE_CHECKING:
    from fedasr.api import Result, evaluate, run, transcribe
    from fedasr.experiment.experiment import Experiment


def __getattr__(name: str) -> Any:
    """Import the API when it is asked for, so that ``fedasr.privacy`` or ``fedasr.asr`` load alone."""
    if name not in __all__:
        raise AttributeError(f"module 'fedasr' has no attribute '{name}'")
    from importlib import import_module

    module = import_module("fedasr.experiment.experiment" if name == "Experiment" else "fedasr.api")
    return getattr(module, name)


def command() -> None:
    """Run ``fedasr simulate …`` as ``python -m fedasr.simulate …``, and the other commands alike."""
    name = sys.argv.pop(1) if len(sys.argv) > 1 else "--help"
    if name in COMMANDS:
        from runpy import run_module

        run_module(f"fedasr.{name}", run_name="__main__", alter_sys=True)
    elif name == "--help":
        print(f"usage: fedasr COMMAND …, each with a --help: {', '.join(COMMANDS)}")
    else:
        from fedasr.common.errors import nearest

        print(f"error: there is no command '{name}'{nearest(name, COMMANDS)}", file=sys.stderr)
        sys.exit(2)


class _Package(ModuleType):
    """Keeps ``fedasr.evaluate`` the function, though importing the command of that name would replace it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
