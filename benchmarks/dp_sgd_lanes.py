"""A step of DP-SGD at the centre against the same of another checkout, in turns.

    python benchmarks/dp_sgd_lanes.py OTHER                         # 16, 32 and 64 utterances a step
    python benchmarks/dp_sgd_lanes.py OTHER --batch 16 --turns 20

Both train in a process of their own, with their own fedasr and the same script: 400 utterances of 1.0 to 1.8 s in
memory, augmented, BLSTM (2 × 96) and CTC, 0.45 million parameters, Adam, secure noise. They wait for each other: a turn
is some steps of one and then as many of the other. What is told is the median over turns of the ratio, of wall seconds
and of processor seconds. Only two idle cores show what two lanes are worth.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

AIM, LEAST = 1.7, 1.5
UTTERANCES, MELS = 400, 64
LETTERS = " abcdefghijklmnopqrstuvwxyz"


class NoisySpeech:
    """Utterances of noise, in memory."""

    def __init__(self) -> None:
        import numpy as np

        random = np.random.default_rng(0)
        self._frames = random.integers(100, 181, UTTERANCES)
        self._features = [random.standard_normal((count, MELS)).astype(np.float16) for count in self._frames]
        self._texts = ["".join(random.choice(list(LETTERS), count // 12)) for count in self._frames]

    def __len__(self) -> int:
        return UTTERANCES

    def features(self, index: int, speed: float = 1.0) -> Any:
        return self._features[index]

    def frames(self, index: int) -> int:
        return int(self._frames[index])

    def frames_of(self, places: Any) -> Any:
        return self._frames[places]

    def text(self, index: int) -> str:
        return str(self._texts[index])

    def id(self, index: int) -> str:
        return f"u{index}"

    def alignment(self, index: int, name: str) -> Any:
        raise KeyError(name)


def stepping(batch: int, steps: int) -> None:
    """Take so many steps at each line that is read, and write the wall and the processor seconds of each turn."""
    import torch

    import fedasr.api
    from fedasr.asr.augment import AugmentSpec
    from fedasr.asr.encoders.encoder import EncoderSpec
    from fedasr.asr.features import FeatureSpec
    from fedasr.asr.recogniser import Recogniser, RecogniserSpec
    from fedasr.asr.tokens import CharacterTokens
    from fedasr.common.randomness import Streams
    from fedasr.privacy.noise import SecureNoise
    from fedasr.protection.dp_sgd.protection import DPSGD
    from fedasr.training.gradients import LANES
    from fedasr.training.holdings import Holdings
    from fedasr.training.learner import Learner
    from fedasr.training.objectives.supervised import Supervised

    try:
        from fedasr.protection.step import Dice
    except ModuleNotFoundError:  # of earlier checkouts
        from fedasr.protection.protection import Dice

    for name in ("few_arenas", "keep_freed_memory"):  # memory as in a run of this checkout
        getattr(fedasr.api, name, lambda: None)()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    spec = RecogniserSpec(FeatureSpec(mels=MELS), EncoderSpec("bilstm", 2, 96, 0.1))
    recogniser = Recogniser(spec, CharacterTokens(LETTERS))
    learner = Learner(recogniser, Supervised(), Holdings(NoisySpeech()), AugmentSpec(), batch)
    protection = DPSGD(noise_multiplier=1.0, batch_size=batch, steps=10**6)
    plan = protection.plan(UTTERANCES, 0, 10**6)
    streams = Streams(1)
    masks = tuple(streams.torch(f"mask {lane}") for lane in range(LANES))
    taken = plan.gradients(learner, Dice(streams.numpy("batches"), masks, lambda what, step: SecureNoise()))
    descent: Any = plan.descent(recogniser, None)  # type: ignore[arg-type]
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        for step in itertools.islice(taken, steps):
            descent.step(step.gradient, 0.0)
        print(time.perf_counter() - wall, time.process_time() - processor, flush=True)


def opened(checkout: Path, batch: int, steps: int) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--stepping", "--batch", str(batch), "--steps", str(steps)]
    known = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=known)


def turn(process: subprocess.Popen[str]) -> tuple[float, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    wall, processor = map(float, process.stdout.readline().split())
    return wall, processor


def compared(other: Path, batch: int, steps: int, turns: int) -> float:
    """Print what both take at a size of batch; return how many times faster this checkout is."""
    both = [opened(checkout, batch, steps) for checkout in (other, Path(__file__).resolve().parent.parent)]
    for process in both:
        turn(process)  # what is imported and allocated once
    found = [[turn(process) for process in both] for _ in range(turns)]
    for process in both:
        process.communicate()
    ratios = []
    for what, place in (("wall", 0), ("processor", 1)):
        before, after = (1e3 * statistics.median(taken[side][place] for taken in found) / steps for side in (0, 1))
        ratios.append(statistics.median(one[place] / own[place] for one, own in found))
        print(f"{batch} a step, {what}: {before:.1f} ms before, {after:.1f} ms now: {ratios[-1]:.2f} times faster")
    return ratios[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, nargs="?", help="a checkout of what to compare with")
    parser.add_argument("--batch", type=int, nargs="*", default=[16, 32, 64])
    parser.add_argument("--steps", type=int, default=4, help="of a turn")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--stepping", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stepping:
        stepping(asked.batch[0], asked.steps)
        return 0
    ratios = [compared(asked.other.resolve(), batch, asked.steps, asked.turns) for batch in asked.batch]
    print(f"least wanted {LEAST}, the aim {AIM}")
    return int(min(ratios) < LEAST)


if __name__ == "__main__":
    sys.exit(main())
