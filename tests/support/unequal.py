"""Speakers who say unlike much. Where all silos hold as much, no error of weight, size or step shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile

import fedasr
from fedasr.corpora.synthetic import synthetic_corpus
from fedasr.experiment.experiment import Experiment
from fedasr.grid.workers import Workers
from fedasr.server.central import Central

from .running import tiny_table

RATE_HZ = 16_000
UTTERANCES = (2, 5, 9)
"""Of one speaker after another, in turn."""
SIZES = (5, 2, 9, 9)
"""The silos of `unequal_table`."""


def write_corpus(folder: Path, speakers: int = 9, utterances: Sequence[int] = UTTERANCES) -> Path:
    """Render the speech of some speakers and write it as a corpus of files; synthetic speakers all say as much."""
    sizes = [utterances[number % len(utterances)] for number in range(speakers)]
    spoken = synthetic_corpus(speakers=speakers, utterances_per_speaker=max(sizes), grammar="digits", seed=11)
    names = list(dict.fromkeys(u.speaker for u in spoken))
    lines = []
    for speaker, size in zip(names, sizes, strict=True):
        for number, utterance in enumerate([u for u in spoken if u.speaker == speaker][:size]):
            samples = utterance.audio.read(RATE_HZ)
            name = f"{speaker}-{number}.wav"
            soundfile.write(folder / name, samples, RATE_HZ, subtype="PCM_16")
            lines.append({
                "audio_filepath": name, "duration": len(samples) / RATE_HZ, "text": utterance.text, "speaker": speaker,
            })  # fmt: skip
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def unequal_table(corpus: Path, **changes: Any) -> dict[str, Any]:
    """Return the tiny experiment over the speech of `write_corpus`: two rounds of two local steps, all silos."""
    training = {"local_steps": 2, "silos_per_round": 0, **changes.pop("training", {})}
    table = tiny_table(**{"name": "unequal", "seed": 113, "training": training, **changes})
    table["corpus"] = {
        "kind": "manifest", "path": str(corpus), "public_speakers": 2, "unlabelled_speakers": 1,
        "development_speakers": 1, "test_speakers": 1, "held_out": 0,
    }  # fmt: skip
    return table


def run_unequal(
    corpus: Path, folder: Path, *rows: Mapping[str, Any], grid: str | Workers = "process", **changes: Any
) -> list[dict[str, Any]]:
    """Run rows over the speech of `write_corpus`, or go on with a run that was stopped there."""
    experiment = Experiment.from_table(unequal_table(corpus, compare=list(rows), **changes))
    place = {"resume" if folder.exists() else "out": folder}
    return fedasr.run(experiment, grid=grid, **place).rows  # type: ignore[arg-type]


class StoppedError(BaseException):
    """A run is stopped from outside."""


@contextmanager
def stopped(round: int, is_saved: bool) -> Iterator[None]:
    """Stop the row that runs in the block at the end of a round, before or after it is reported and saved."""
    after_round = Central.after_round

    def stopping(self: Central, at: int, *others: Any, **more: Any) -> None:
        if at == round and not is_saved:
            raise StoppedError
        self._clock["saved"] = 0.0  # each round is saved, however long it took to save the one before
        after_round(self, at, *others, **more)
        if at == round:
            raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Central, "after_round", stopping)
        try:
            yield
        except StoppedError:
            return
    raise AssertionError(f"the row never came to round {round}")
