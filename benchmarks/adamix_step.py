"""What AdaMix costs: a step of it against a plain step on as many utterances, with the cost of the subspace apart.

    python benchmarks/adamix_step.py                 # 16 utterances: 8 private and 8 public
    python benchmarks/adamix_step.py --half 16       # 16 of each

All train for themselves, as a silo does, in one thread: utterances of 1.0 to 1.8 s, in memory and augmented, BLSTM
(2 × 96) and CTC, 0.45 million parameters, secure noise. They take a step in turn; told is the median over turns of the
ratio of processor seconds to the plain step, which is on all utterances, private and public pooled. Beside it stand one
on the private alone, and DP-SGD, to which all are private.
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
from fedasr.privacy.noise import SecureNoise
from fedasr.protection.protection import build_protection
from fedasr.protection.step import Dice
from fedasr.training.holdings import Holdings
from fedasr.training.learner import Learner
from fedasr.training.objectives.supervised import Supervised

ENDLESS, MOST = 10**6, 2.0
Step = Callable[[], object]


def asked(half: int) -> Mapping[str, tuple[int, str, Mapping[str, Any]]]:
    """Return of each step the utterances of a plain batch, a protection and its options."""
    private = {"noise_multiplier": 1.0, "batch_size": half}
    return {
        "plain": (2 * half, "none", {}),
        "plain, private alone": (half, "none", {}),
        "dp-sgd": (half, "dp-sgd", {**private, "batch_size": 2 * half}),
        "adamix without a subspace": (half, "adamix", {**private, "public_batch": half}),
        "adamix": (half, "adamix", {**private, "public_batch": half, "subspace": half}),
    }


def stepping(batch: int, name: str, options: Mapping[str, Any]) -> Step:
    """Return what takes a step of a recogniser of its own; all have the same weights."""
    torch.manual_seed(0)
    spec = RecogniserSpec(FeatureSpec(mels=MELS), EncoderSpec("bilstm", 2, 96, 0.1))
    held = Holdings(NoisySpeech(), labelled=NoisySpeech())
    learner = Learner(Recogniser(spec, CharacterTokens(LETTERS)), Supervised(), held, AugmentSpec(), batch)
    streams, plan = Streams(1), build_protection(name, options).plan(UTTERANCES, 0, ENDLESS)
    dice = Dice(streams.numpy("batches"), (streams.torch("masks"),), lambda what, step: SecureNoise())
    taken: Iterator[object] = plan.gradients(learner, dice)
    return lambda: next(taken)


def seconds(step: Step) -> float:
    begun = time.process_time()
    step()
    return time.process_time() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--half", type=int, default=8, help="private utterances of a step, and public ones")
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as in silos' processes
    steps = {name: stepping(*what) for name, what in asked(given.half).items()}
    for step in steps.values():
        step()
    turns = [{name: seconds(step) for name, step in steps.items()} for _ in range(given.repeats)]
    ratios = {name: statistics.median(turn[name] / turn["plain"] for turn in turns) for name in steps}
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f} ({1000 * statistics.median(turn[name] for turn in turns):.0f} ms of processor)")
    print(f"the subspace: {ratios['adamix'] - ratios['adamix without a subspace']:.2f} of a plain step")
    return int(ratios["adamix"] > MOST)


if __name__ == "__main__":
    sys.exit(main())
