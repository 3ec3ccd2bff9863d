"""A stage: a computation, named by all that determines what comes of it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np


class UndescribedError(TypeError):
    """A thing among the facts of a stage does not say what it is: what depends on it has no name."""


@dataclass(frozen=True)
class Stage:
    """A computation and everything that its result depends on.

    Two stages of one digest have one result, to the bit. What a stage does not depend on stands in no fact: another
    ε, another mechanism or another row's name leaves the digest of a teacher as it is.

    Parameters
    ----------
    name : str
        What is computed: ``"teacher"``.
    facts : mapping of str to object
        Numbers, texts, arrays, dataclasses, and mappings and sequences of these.
    """

    name: str
    facts: Mapping[str, Any]

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the facts as canonical JSON.

        Raises
        ------
        UndescribedError
            Where a fact does not say what it is.
        """
        return hashlib.sha256(json.dumps(described(self.facts), sort_keys=True).encode()).hexdigest()

    @property
    def key(self) -> str:
        """The name and the digest: what its result is kept under."""
        return f"{self.name}-{self.digest[:24]}"


def described(value: Any) -> Any:
    """Return what JSON can say of a value, the same for equal values alone: a list is a sequence and nothing else.

    Raises
    ------
    UndescribedError
        Where it is of a kind that does not say what it is.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [described(item) for item in value]
    if isinstance(value, Mapping):
        return {"mapping": [[described(key), described(item)] for key, item in sorted(value.items())]}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, np.ndarray):
        return {"array": [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: described(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"class": code_of(type(value)), "fields": fields}
    raise UndescribedError(f"{type(value).__name__} does not say what it is")


@functools.cache
def code_of(kind: type) -> str:
    """Return the name of a class and, where it is not of fedasr, the digest of the file that it stands in.

    Raises
    ------
    UndescribedError
        Where there is no such file: a class that was typed into a notebook may change.
    """
    name = f"{kind.__module__}.{kind.__qualname__}"
    if kind.__module__.partition(".")[0] == "fedasr":
        return name  # of all its sources there is one digest
    try:
        file = inspect.getsourcefile(kind)
        return f"{name} {hashlib.sha256(Path(str(file)).read_bytes()).hexdigest()}"
    except (OSError, TypeError) as error:
        raise UndescribedError(f"{name} stands in no file") from error
