"""What is scored, prepared and trained from odd speech."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from support.running import TINY, tiny_table

from fedasr.api import evaluate, run
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import CharacterTokens
from fedasr.engine.notices import notices
from fedasr.engine.preparation import Prepared, prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.runs.model_file import save_model
from system.odd_speech.rights.refusals import Names, assert_names, refused

LETTERS = CharacterTokens(" 'abcdefghijklmnopqrstuvwxyz")
Row = Mapping[str, Any]
NOTHING: Row = {}


def model_file(folder: Path) -> Path:
    """Write a recogniser that has learnt nothing, and writes small English letters."""
    spec = RecogniserSpec(FeatureSpec(8000, 8), EncoderSpec("lstm", 1, 8, 0.0))
    torch.manual_seed(0)
    recogniser = Recogniser(spec, LETTERS)
    path = folder / "model.safetensors"
    save_model(path, {name: value.numpy() for name, value in recogniser.state_dict().items()}, spec, LETTERS)
    return path


@contextmanager
def told() -> Iterator[list[str]]:
    """Collect what is logged."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("fedasr")
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


class Listener(Watcher):
    """Keeps what a terminal would show."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[str] = []

    def stage(self, name: str) -> None:
        self.stages.append(name)


@dataclass(frozen=True)
class Evaluates:
    """The scores on a manifest hold, and somebody is told.

    Parameters
    ----------
    holds : callable
        Given what `evaluate` returns.
    says : tuple of str
        What one line of the log names.
    """

    holds: Callable[[Row], bool]
    says: Names = ()

    def check(self, folder: Path) -> None:
        with told() as lines:
            scores = evaluate(model_file(folder), folder / "manifest.jsonl")
        assert self.holds(scores), scores
        json.dumps(scores, allow_nan=False)
        assert not self.says or any(all(name in line for name in self.says) for line in lines), lines


@dataclass(frozen=True)
class RefusesEvaluation:
    """Nothing is scored: each fault is told by its names in one line."""

    faults: tuple[Names, ...]

    def check(self, folder: Path) -> None:
        assert_names(refused(lambda: evaluate(model_file(folder), folder / "manifest.jsonl")), self.faults)


def experiment_table(folder: Path, corpus: Row = NOTHING, model: Row = NOTHING) -> dict[str, Any]:
    """Return the tiny experiment on the manifest of a folder; files of the corpus are looked for there."""
    usual: dict[str, Any] = {"kind": "manifest", "path": str(folder), "test_speakers": 1}
    if "public" not in corpus:
        usual["public_speakers"] = 2
    own = {k: str(folder / v) if isinstance(v, str) and (folder / v).exists() else v for k, v in corpus.items()}
    rows = [row for row in TINY["compare"] if row["name"] == "fedavg"]
    table = tiny_table(model={"sample_rate_hz": 8000, **model}, training={"rounds": 1}, compare=rows)
    return table | {"corpus": {"development_speakers": 1, **usual, **own}}


def experiment(folder: Path, corpus: Row = NOTHING, model: Row = NOTHING) -> Experiment:
    """Return that experiment."""
    return Experiment.from_table(experiment_table(folder, corpus, model))


@dataclass(frozen=True)
class RefusesExperiment:
    """Nothing is prepared: each fault is told by its names in one line."""

    faults: tuple[Names, ...]
    corpus: Row = field(default_factory=dict)
    model: Row = field(default_factory=dict)

    def check(self, folder: Path) -> None:
        made = experiment(folder, self.corpus, self.model)
        assert_names(refused(lambda: prepare_experiment(made, 1, Watcher())), self.faults)


@dataclass(frozen=True)
class Prepares:
    """Speech is divided and gets its features, and somebody is told."""

    holds: Callable[[Prepared], bool]
    says: Names = ()
    corpus: Row = field(default_factory=dict)
    model: Row = field(default_factory=dict)

    def check(self, folder: Path) -> None:
        with told() as lines:
            watcher = Listener()
            prepared = prepare_experiment(experiment(folder, self.corpus, self.model), 1, watcher)
            lines += [*watcher.stages, *prepared.notes, *notices(prepared)]
        assert self.holds(prepared)
        speakers = Counter(
            name for part in ("public_labelled", "public_unlabelled", "development", "test")
            for name in getattr(prepared.partition, part)
        )  # fmt: skip
        assert set(speakers.values()) <= {1}
        assert not self.says or any(all(name in line for name in self.says) for line in lines), lines


@dataclass(frozen=True)
class Trains:
    """A run finishes, and its row holds."""

    holds: Callable[[Row], bool]
    corpus: Row = field(default_factory=dict)

    def check(self, folder: Path) -> None:
        all_silos = experiment(folder, self.corpus).with_value("training.silos_per_round", 0)
        result = run(all_silos, out=folder / "run", grid="process")
        row = result.rows[0]
        assert row["status"] == "finished"
        assert self.holds(row), row
        json.loads((folder / "run" / "summary.json").read_text(), parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in summary.json")
