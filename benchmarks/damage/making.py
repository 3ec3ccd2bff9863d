"""A run of two silos, made from noise: whole, or stopped on its way."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

TABLE: dict[str, Any] = {
    "name": "fuzzed", "seed": 5,
    "corpus": {"kind": "manifest", "public_speakers": 1, "development_speakers": 1, "test_speakers": 2, "held_out": 0},
    "model": {"encoder": "lstm", "layers": 1, "units": 4, "mels": 8, "dropout": 0.1},
    "start": {"epochs": 1, "batch_size": 4},
    "training": {"rounds": 1, "local_steps": 1, "batch_size": 2, "learning_rate": 0.05},
    "compare": [
        {"name": "fedavg", "strategy": "fedavgm", "options": {"momentum": 0.5}},
        {
            "name": "gtc", "strategy": "gtc", "options": {"density": 0.05},
            "training": {"rounds": 2, "momentum": 0.5},
        },
        {"name": "dp", "strategy": "dp-fedavg", "options": {"epsilon": 8.0}, "training": {"rounds": 2}},
    ],
}  # fmt: skip


def write_corpus(folder: Path) -> None:
    """Write noise of six speakers, three utterances each."""
    folder.mkdir(parents=True)
    dice, lines = np.random.default_rng(0), []
    for number in range(18):
        name = f"{number}.wav"
        soundfile.write(folder / name, dice.standard_normal(6000) * 0.1, 16_000)
        text = " ".join(dice.choice(["one", "two", "three"], 2))
        lines.append({"audio_filepath": name, "duration": 0.375, "text": text, "speaker": f"s{number // 3}"})
        os.utime(folder / name, (10**9, 10**9))
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def make_run(folder: Path, corpus: Path, stops: bool) -> None:
    """Run the experiment on a corpus, to its end or to the second round of its last row."""
    import fedasr
    from fedasr.engine.watchers.watcher import Watcher
    from fedasr.experiment.experiment import Experiment
    from fedasr.server.progress import Progress

    class Stopping(Watcher):
        def round(self, progress: Progress) -> None:
            if stops and (progress.row, progress.round) == ("dp", 2):
                raise KeyboardInterrupt

    table = {**TABLE, "corpus": {**TABLE["corpus"], "path": str(corpus)}}
    with every_round_saved():
        try:
            fedasr.run(Experiment.from_table(table), out=folder, grid="process", watcher=Stopping())
        except KeyboardInterrupt:
            assert stops


@contextmanager
def every_round_saved() -> Iterator[None]:
    """Save every round, however little time that leaves for training."""
    from fedasr.server.central import Central

    real = Central._save

    def save(self: Central, round: int, state: Any) -> None:
        self._clock["saved"] = 0.0
        real(self, round, state)

    Central._save = save  # type: ignore[method-assign]
    try:
        yield
    finally:
        Central._save = real  # type: ignore[method-assign]
