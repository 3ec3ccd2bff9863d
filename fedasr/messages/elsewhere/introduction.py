"""What a server tells the nodes that hold speech of their own before it asks them anything else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from flwr.app import ConfigRecord, RecordDict
from numpy.typing import NDArray

from fedasr.common.files import load_arrays, save_arrays
from fedasr.messages.records import ARRAYS, CONFIG, array_record, arrays_of


@dataclass(frozen=True)
class Introduction:
    """What a node cannot know of itself: the row, the tokens of the public text, the public speech to vote on.

    Nothing in it is made of a silo's speech.

    Parameters
    ----------
    about : mapping
        JSON: ``experiment`` (TOML, of one row), ``seed``, ``tokens`` (as `fedasr.asr.tokens` keeps them), ``silos``
        (how many), ``is_tested`` (whether models are scored on test speakers), and ``ids`` and ``speakers`` of the
        public unlabelled speech.
    arrays : mapping of str to ndarray
        That speech as `fedasr.messages.packed_speech` packs it, its features in float16; empty where there is none.
    """

    about: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    @property
    def digest(self) -> str:
        """What it is called where it is kept."""
        total = hashlib.sha256(json.dumps(self.about, sort_keys=True).encode())
        for name in sorted(self.arrays):
            total.update(name.encode() + np.ascontiguousarray(self.arrays[name]).tobytes())
        return total.hexdigest()[:32]

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        config = ConfigRecord({"about": json.dumps(self.about)})
        return RecordDict({ARRAYS: array_record(self.arrays), CONFIG: config})

    @classmethod
    def from_record(cls, content: RecordDict) -> Introduction:
        """Read the message's content."""
        about = json.loads(cast(str, content.config_records[CONFIG]["about"]))
        return cls(about, arrays_of(content.array_records[ARRAYS]))

    def save(self, path: Path) -> None:
        """Keep it for the messages that follow: a SuperNode answers each in a new process."""
        save_arrays(path, self.arrays, self.about)

    @classmethod
    def load(cls, path: Path) -> Introduction:
        """Return what was kept."""
        arrays, about = load_arrays(path)
        return cls(about, arrays)


@dataclass(frozen=True)
class Holding:
    """How many utterances a node trains on, taken as public: what it answers to an introduction."""

    utterances: int

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        return RecordDict({CONFIG: ConfigRecord({"utterances": self.utterances})})

    @classmethod
    def from_record(cls, content: RecordDict) -> Holding:
        """Read the message's content."""
        config = content.config_records[CONFIG]
        return cls(int(cast(int, config["utterances"])))
