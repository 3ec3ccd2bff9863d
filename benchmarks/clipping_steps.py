"""What clipping costs: a step of each granularity against a plain step, and DP-SGD at the centre in two lanes and one.

    python benchmarks/clipping_steps.py                                  # every encoder, head and granularity
    python benchmarks/clipping_steps.py --encoder bilstm --head ctc --repeats 30

All train for themselves, as a silo does, on the same batches: 16 utterances of 1.0 to 1.8 s, in memory and augmented,
about 0.45 million parameters, one thread of torch. They take a step in turn; told is the median over turns of the ratio
to the plain step. Batches are made beside the steps: only two idle cores show what steps alone take. The noise of
DP-SGD is seeded, so that both draw the same.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from dp_sgd_lanes import LETTERS, MELS, UTTERANCES, NoisySpeech

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import CharacterTokens
from fedasr.common.allocator import keep_freed_memory
from fedasr.common.randomness import Streams
from fedasr.privacy.noise import ReproducibleNoise
from fedasr.protection.protection import build_protection
from fedasr.protection.step import Dice
from fedasr.training.gradients import LANES
from fedasr.training.holdings import Holdings
from fedasr.training.learner import Learner
from fedasr.training.objectives.supervised import Supervised

BATCH, ENDLESS = 16, 10**6
UNITS: Mapping[str, Mapping[str, int]] = {
    "ctc": {"lstm": 160, "bilstm": 96, "conformer": 96},
    "transducer": {"lstm": 136, "bilstm": 84, "conformer": 88},
}
"""Of two layers: with them a recogniser has about 0.45 million parameters."""
CLIPPED: Mapping[str, Mapping[str, Any]] = {
    "per example": {"granularity": "example"},
    "micro-batches of 4": {"granularity": "micro-batch", "micro_batch": 4},
    "cores, 2": {"granularity": "core", "cores": 2},
    "cores, 4": {"granularity": "core", "cores": 4},
    "layers": {"granularity": "layer"},
}
MOST = {"per example": {"lstm": 1.3, "bilstm": 1.3, "conformer": 2.5}}
Step = Callable[[], object]


def learner(encoder: str, head: str) -> Learner:
    torch.manual_seed(0)
    shape = EncoderSpec(encoder, 2, UNITS[head][encoder], 0.1)
    spec = RecogniserSpec(FeatureSpec(mels=MELS), shape, head, predictor_units=96)
    recogniser = Recogniser(spec, CharacterTokens(LETTERS))
    return Learner(recogniser, Supervised(), Holdings(NoisySpeech()), AugmentSpec(), BATCH)


def stepping(encoder: str, head: str, name: str, options: Mapping[str, Any], lanes: int = 1) -> Step:
    """Return what takes a step of a recogniser of its own; all have the same weights and batches."""
    streams, plan = Streams(1), build_protection(name, options).plan(UTTERANCES, 0, ENDLESS)
    masks = tuple(streams.torch(f"mask {lane}") for lane in range(lanes))
    dice = Dice(streams.numpy("batches"), masks, lambda what, step: ReproducibleNoise(step))
    taken: Iterator[object] = plan.gradients(learner(encoder, head), dice)
    return lambda: next(taken)


def ratios(steps: Mapping[str, Step], repeats: int) -> dict[str, tuple[float, float]]:
    """Return each one's median seconds, and the median of the ratio to the first within a turn."""
    turns = [{name: _seconds(step) for name, step in steps.items()} for _ in range(repeats + 2)][2:]
    first = next(iter(steps))
    return {
        name: (statistics.median(t[name] for t in turns), statistics.median(t[name] / t[first] for t in turns))
        for name in steps
    }


def _seconds(step: Step) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def told(title: str, steps: Mapping[str, Step], repeats: int, most: Mapping[str, float]) -> bool:
    """Print what each takes; return whether none takes more than it may."""
    print(title)
    held = True
    for name, (seconds, ratio) in ratios(steps, repeats).items():
        within = ratio <= most.get(name, 1e9)
        held &= within
        limit = f" (at most {most[name]:.2f}{'' if within else ', MISSED'})" if name in most else ""
        print(f"  {name:20} {1e3 * seconds:7.1f} ms, {ratio:5.2f} times the first{limit}", flush=True)
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", nargs="*", default=["lstm", "bilstm", "conformer"])
    parser.add_argument("--head", nargs="*", default=["ctc", "transducer"])
    parser.add_argument("--repeats", type=int, default=15)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as in silos' processes
    held = True
    for encoder in asked.encoder:
        for head in asked.head:
            size = sum(parameter.numel() for parameter in learner(encoder, head).recogniser.parameters())
            clipped = {name: stepping(encoder, head, "clipping", options) for name, options in CLIPPED.items()}
            steps = {"plain": stepping(encoder, head, "none", {}), **clipped}
            most = dict.fromkeys(clipped, 1.05) | {name: by[encoder] for name, by in MOST.items()}
            held &= told(f"{encoder}, {head}, {size:,} parameters, {BATCH} utterances", steps, asked.repeats, most)
    private = {"noise_multiplier": 1.0, "batch_size": BATCH, "steps": ENDLESS}
    lanes = {f"{n} of {LANES} lanes": stepping("bilstm", "ctc", "dp-sgd", private, n) for n in (1, LANES)}
    told("DP-SGD at the centre, bilstm, ctc", lanes, asked.repeats, {})
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
