"""The same speech in each form: are features, partition and trained weights the same to the bit?

    python benchmarks/same_speech.py DATA/an4

DATA/an4 holds a ``manifest.jsonl``; the forms are written to a temporary folder. The extras lhotse and datasets are
needed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from speech_forms import PARTS, WHOLE, Clip, Corpus, clips_of, joined

import fedasr
from fedasr.corpora.partition import Partition
from fedasr.engine.preparation import divide_corpus, prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment

TINY: dict[str, Any] = {
    "name": "same-speech",
    "seed": 7,
    "corpus": {"public_speakers": 2, "development_speakers": 1, "test_speakers": 1},
    "model": {"encoder": "lstm", "layers": 1, "units": 16, "mels": 16},
    "start": {"epochs": 1},
    "training": {"rounds": 2, "local_steps": 1, "batch_size": 2},
    "compare": [{"name": "fedavg", "strategy": "fedavg"}],
}
RULES: list[dict[str, Any]] = [
    {"partition": "grouped", "silos": 2}, {"partition": "dirichlet", "silos": 2}, {"partition": "iid", "silos": 2},
]  # fmt: skip
"""Other ways to divide the speech than one silo a speaker."""


@dataclass(frozen=True)
class Outcome:
    """What one form gives, as hashes: features of all speech, who holds what by each rule, trained weights."""

    features: str
    partition: str
    model: str


def forms(clips: Sequence[Clip], folder: Path) -> Iterator[tuple[str, Corpus]]:
    """Write each form, and yield its name and where it is."""
    long = _new(folder / "long")
    for name, write in WHOLE.items():
        yield name, write(clips, _new(folder / name.replace(" ", "-")))
    parts = joined(clips, long)
    for name, write in PARTS.items():
        yield f"{name}, parts of one file", write(parts, _new(long / name.replace(" ", "-")))


def outcome(corpus: Corpus, out: Path) -> Outcome:
    """Prepare and run the tiny experiment on some speech, with a cache of its own, so that nothing is found there."""
    experiment = _experiment(corpus)
    with patch.dict(os.environ, FEDASR_CACHE=str(out / "cache")):
        prepared = prepare_experiment(experiment, 1, Watcher())
        divided = [divide_corpus(_experiment(corpus, **rule), Watcher()).partition for rule in RULES]
        row = fedasr.run(experiment, out=out / "run", grid="process").rows[0]
    features = hashlib.sha256()
    for number, utterance in enumerate(prepared.speech.utterances):
        told = [utterance.id, utterance.speaker, utterance.text]
        features.update(json.dumps(told).encode() + prepared.speech.features(number).tobytes())
    partition = hashlib.sha256(repr([*map(_named, (prepared.partition, *divided))]).encode())
    return Outcome(features.hexdigest(), partition.hexdigest(), row["model_sha256"])


def _named(partition: Partition) -> Partition:
    """Return a partition by the names of the utterances, wherever these are prepared."""
    silos, held_out = (tuple(map(tuple, part)) for part in (partition.silos, partition.held_out))
    return replace(partition, silos=silos, held_out=held_out)


def _experiment(corpus: Corpus, **rule: Any) -> Experiment:
    return Experiment.from_table({**TINY, "corpus": {**TINY["corpus"], **corpus, **rule}})


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with a manifest.jsonl")
    parser.add_argument("--most", type=int, help="use so many utterances only")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    print("| form | features | partition | model_sha256 |\n|---|---|---|---|")
    found = set()
    with tempfile.TemporaryDirectory() as folder:
        for name, corpus in forms(clips_of(arguments.data, arguments.most), Path(folder) / "forms"):
            same = outcome(corpus, Path(folder) / "runs" / name.replace(" ", "-"))
            print(f"| {name} | `{same.features[:12]}` | `{same.partition[:12]}` | `{same.model[:12]}` |", flush=True)
            found.add(same)
    print("all the same" if len(found) == 1 else f"{len(found)} different outcomes")
    return len(found) != 1


if __name__ == "__main__":
    sys.exit(main())
