"""What runs an experiment, and the processes in which it is called: both are the door's to give."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

CHILD = "--child"
"""The option by which ``python -m fedasr.conform`` does one task of its own, given as JSON."""


Runner = Callable[..., Any]
"""`fedasr.api.run`: given an experiment and options, it returns what has ``rows``."""


def child_command(task: Mapping[str, Any]) -> list[str]:
    """Return the command that does a task in a process of its own."""
    return [sys.executable, "-m", "fedasr.conform", CHILD, json.dumps(task)]
