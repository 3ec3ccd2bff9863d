"""How long training waits for its batches, at the centre and in a silo, where targets come from a store on disk.

    python benchmarks/waiting.py                    # 400 utterances, 60 steps each
    python benchmarks/waiting.py --utterances 4000

The student is small (two layers of 128 units, 3,000 outputs), so that a step is short and waiting shows. Utterances are
of 1 to 9 s, their features mapped from disk as the cache keeps them, twenty targets a frame in one shard, augmented
by the defaults of `[augment]`, in batches of 16. Waiting is the time between asking for the next batch and having it.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import fedasr.protection.batchwise as in_silos
import fedasr.protection.none as at_centre
from fedasr.asr.augment import AugmentSpec
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec, stacked_length
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import PhoneTokens
from fedasr.common.randomness import Streams
from fedasr.common.threads import one_thread
from fedasr.protection.none import Unprotected
from fedasr.protection.step import Dice
from fedasr.training.gradients import LANES
from fedasr.training.holdings import Holdings
from fedasr.training.learner import Learner
from fedasr.training.objectives.distilled import Distilled
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.store import TargetStore
from fedasr.training.targets.top import top_targets
from fedasr.training.targets.writer import ShardWriter

OUTPUTS, KEPT, MELS, BATCH = 3000, 20, 64, 16
MOST = 0.05


class MappedSpeech:
    """Utterances of noise, their features one after the other in a file."""

    def __init__(self, path: Path, count: int) -> None:
        random = np.random.default_rng(0)
        self._frames = random.integers(100, 901, count)
        self._stops = np.cumsum(self._frames)
        kept = np.memmap(path, np.float16, "w+", shape=(int(self._stops[-1]), MELS))
        for first in range(0, len(kept), 1 << 16):
            part = kept[first : first + (1 << 16)]
            part[:] = random.standard_normal(part.shape)
        self._features = kept

    def __len__(self) -> int:
        return len(self._frames)

    def features(self, index: int, speed: float = 1.0) -> Any:
        return self._features[self._stops[index] - self._frames[index] : self._stops[index]]

    def frames(self, index: int) -> int:
        return int(self._frames[index])

    def frames_of(self, places: Any) -> Any:
        return self._frames[places]

    def text(self, index: int) -> str:
        return ""

    def id(self, index: int) -> str:
        return f"u{index}"

    def alignment(self, index: int, name: str) -> Any:
        raise KeyError(name)


class Stored:
    """A teacher that says what a store holds."""

    def __init__(self, store: TargetStore) -> None:
        self._store = store

    def targets(self, utterance_id: str) -> Any:
        return self._store.targets(utterance_id)

    def text(self, utterance_id: str) -> str:
        return ""


def stored(folder: Path, speech: MappedSpeech) -> Stored:
    binding = TargetBinding("teacher", "features", "inventory", OUTPUTS, 3, KEPT)
    random = np.random.default_rng(1)
    with ShardWriter(folder / "one.targets", binding) as shard:
        for index in range(len(speech)):
            scores = random.standard_normal((stacked_length(speech.frames(index)), OUTPUTS)).astype(np.float32)
            shard.add(speech.id(index), top_targets(torch.from_numpy(scores).log_softmax(1), KEPT))
        shard.seal()
    return Stored(TargetStore.open(folder, binding))


def waited(learner: Learner, lanes: int, steps: int) -> tuple[float, float]:
    """Return the seconds that so many steps took, and those of them that were spent waiting for a batch."""
    waiting = [0.0]
    module: Any = at_centre if lanes > 1 else in_silos
    ahead = module.made_ahead

    def timed(*given: Any) -> Iterator[Any]:
        found = iter(ahead(*given))
        while True:
            begun = time.perf_counter()
            made = next(found)
            waiting[0] += time.perf_counter() - begun
            yield made

    streams = Streams(1)
    masks = tuple(streams.torch(f"mask {lane}") for lane in range(lanes))
    dice = Dice(streams.numpy("batches"), masks, partial(_no_noise))
    module.made_ahead = timed
    try:
        with one_thread(), closing(Unprotected().gradients(learner, dice)) as found:
            next(found)  # what is imported and allocated once
            waiting[0], begun = 0.0, time.perf_counter()
            for _ in itertools.islice(found, steps):
                pass
            return time.perf_counter() - begun, waiting[0]
    finally:
        module.made_ahead = ahead


def _no_noise(what: str, step: int) -> Any:
    raise AssertionError("nothing is protected")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=400)
    parser.add_argument("--steps", type=int, default=60)
    asked = parser.parse_args()
    tokens = PhoneTokens(tuple(f"p{number:04d}" for number in range(OUTPUTS - 2)), ())
    spec = RecogniserSpec(FeatureSpec(mels=MELS), EncoderSpec("lstm", 2, 128, 0.1), "frames")
    with tempfile.TemporaryDirectory() as place:
        speech = MappedSpeech(Path(place) / "features.bin", asked.utterances)
        held = Holdings(speech, teacher=stored(Path(place) / "targets", speech))
        learner = Learner(Recogniser(spec, tokens), Distilled(top_k=KEPT), held, AugmentSpec(), BATCH)
        print("| where | a step | waiting | share (at most 5%) |\n|---|---|---|---|")
        for where, lanes in (("at the centre", LANES), ("in a silo", 1)):
            seconds, waiting = waited(learner, lanes, asked.steps)
            each = f"{1000 * seconds / asked.steps:.0f} ms | {1000 * waiting / asked.steps:.2f} ms"
            print(f"| {where} | {each} | {waiting / seconds:.1%}{'' if waiting / seconds <= MOST else ' too long'} |")


if __name__ == "__main__":
    main()
