"""Federated, distributed and private training of speech recognisers, side by side.

>>> import fedasr
>>> result = fedasr.run(fedasr.Experiment.load("quickstart"))  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Experiment", "Result", "evaluate", "run", "transcribe"]

if TYPE_CHECKING:
    from fedasr.api import Result, evaluate, run, transcribe
    from fedasr.experiment import Experiment


def __getattr__(name: str) -> Any:
    """Import the API when it is asked for, so that ``fedasr.privacy`` or ``fedasr.asr`` load alone."""
    if name not in __all__:
        raise AttributeError(f"module 'fedasr' has no attribute '{name}'")
    from importlib import import_module

    module = import_module("fedasr.experiment" if name == "Experiment" else "fedasr.api")
    return getattr(module, name)
