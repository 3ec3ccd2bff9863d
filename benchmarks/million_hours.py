"""Teacher against student at the published sizes: processor seconds an hour of speech, and what a million hours take.

    python benchmarks/million_hours.py                # both presets, forward and a training step
    python benchmarks/million_hours.py --seconds 2    # a shorter look

Five LSTM layers on 192 inputs and 3,000 outputs: bidirectional of 832 units, and unidirectional of 768 (Parthasarathi &
Strom, ICASSP 2019). Utterances are of 5 s, made-up features, one thread, both models in turns, the median of rounds.
A step is the student's own: 20 targets of the teacher a frame. What is below the line is arithmetic from these figures.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.published_sizes import MILLION_HOURS_OUTPUTS, MILLION_HOURS_STUDENT, MILLION_HOURS_TEACHER
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.soft_targets import FrameTargets
from fedasr.asr.tokens import PhoneTokens
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.distilled import Distilled

OUTPUTS, KEPT, MELS = MILLION_HOURS_OUTPUTS, 20, MILLION_HOURS_STUDENT.features.mels
UTTERANCE_FRAMES, BATCH = 500, 8
HOUR_FRAMES = 120_000
"""Of 30 ms."""
STORED_BYTES_A_FRAME, FEATURE_BYTES_A_FRAME = 82.16, 3 * MELS * 2
"""Measured by `benchmarks/target_store.py`; three frames of 10 ms in float16."""
LEAST_RATIO, PUBLISHED_RATIO = 2.5, 3.0


def recogniser(spec: RecogniserSpec) -> Recogniser:
    tokens = PhoneTokens(tuple(f"p{number:04d}" for number in range(OUTPUTS - 2)), ())
    torch.manual_seed(0)
    return Recogniser(replace(spec, encoder=replace(spec.encoder, dropout=0.0)), tokens)


def batch() -> Batch:
    random = np.random.default_rng(0)
    features = [random.standard_normal((UTTERANCE_FRAMES, MELS)).astype(np.float32) for _ in range(BATCH)]
    plain = make_batch(features)
    frames = int(plain.lengths_B[0])

    def targets() -> FrameTargets:
        tokens_TK = np.stack([random.choice(OUTPUTS, KEPT, replace=False) for _ in range(frames)])
        return tokens_TK, np.full((frames, KEPT), 0.9 / KEPT, np.float32), np.full(frames, 0.1, np.float32)

    return replace(make_batch(features, soft=[targets() for _ in features]), ids=())


def timed(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def rounds(works: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Return the median processor seconds of each work, taken in turns for about so long."""
    for work in works.values():
        work()
    found: dict[str, list[float]] = {name: [] for name in works}
    begun = time.monotonic()
    while time.monotonic() - begun < seconds or len(found[next(iter(works))]) < 3:
        for name, work in works.items():
            found[name].append(timed(work))
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long to measure, about")
    torch.set_num_threads(1)
    seconds, speech = parser.parse_args().seconds, batch()
    models = {
        "teacher": recogniser(MILLION_HOURS_TEACHER),
        "student": recogniser(MILLION_HOURS_STUDENT),
    }
    losses = Distilled(top_k=KEPT).losses
    works: dict[str, Callable[[], object]] = {}
    for name, model in models.items():
        works[f"{name}, forward"] = lambda model=model: _forward(model, speech)
        works[f"{name}, training"] = lambda model=model: batch_gradient(model, losses, speech, None)
    hours = BATCH * UTTERANCE_FRAMES / 100 / 3600
    found = {name: median / hours for name, median in rounds(works, seconds).items()}
    for name, model in models.items():
        print(f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters")
    print("\n| | processor seconds an hour of speech |\n|---|---|")
    for name, value in found.items():
        print(f"| {name} | {value:,.0f} |")
    for what in ("forward", "training"):
        ratio = found[f"teacher, {what}"] / found[f"student, {what}"]
        print(f"| teacher / student, {what} | {ratio:.2f} (at least {LEAST_RATIO}; published {PUBLISHED_RATIO:g}) |")
    _print_hours(found)


@torch.inference_mode()
def _forward(model: Recogniser, speech: Batch) -> object:
    return model.head.frame_scores(model.encode(speech.features_BTF, speech.lengths_B))


def _print_hours(found: dict[str, float]) -> None:
    print("\n| hours | targets | features | the teacher hears them | a student's pass |\n|---|---|---|---|---|")
    for hours in (1, 100, 10_000, 1_000_000):
        stored, features = (hours * HOUR_FRAMES * each / 1e9 for each in (STORED_BYTES_A_FRAME, FEATURE_BYTES_A_FRAME))
        hear, train = (hours * found[name] / 3600 for name in ("teacher, forward", "student, training"))
        print(
            f"| {hours:,} | {stored:,.3g} GB | {features:,.3g} GB | {hear:,.3g} core hours | {train:,.3g} core hours |"
        )


if __name__ == "__main__":
    main()
