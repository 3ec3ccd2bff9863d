"""Which outputs can only one of two neighbours produce? Enumeration, through the code that publishes them.

    python benchmarks/float_noise.py                # exit code 1 where there is one
    python benchmarks/float_noise.py --former       # the arithmetic of before: float32(sum + σ ndtri(52-bit uniform))

Each output is drawn under one neighbour, and all noise near the value that would give it under the other is tried
there. Draws are stratified by the distance of the output from 0, where float32 is finest, from 2⁻⁵² σ on, and by the
size of the noise in its tail; the share that is found is multiplied by the chance of its stratum. Sums come from silos
behind a grid; gradients from a recogniser, with and without an utterance; votes through their mechanisms, the noise at
its ends. Beside it: how far float32 moves the gradients of the others when an utterance is computed with them, which is
allowed for, not proven.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from dp_step import batch_for, recogniser
from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from fedasr.asr.batch import Batch
from fedasr.common.later import LATER
from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Mean
from fedasr.grid.in_process import InProcess
from fedasr.grid.rules import RULES
from fedasr.messages.records import CHANGE, array_record, arrays_of
from fedasr.privacy.mechanisms.confident_max import ThresholdCheck
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax, NoisyMax
from fedasr.privacy.noise import Noise
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.privacy.rounded_noise.cells import LAST, WIDTH
from fedasr.protection.dp_sgd.plan import DPSGDPlan, DPSGDSpec
from fedasr.protection.dp_sgd.rounding import BESIDE
from fedasr.protection.per_example.clipping import clipped_gradient_sum
from fedasr.protection.per_example.lanes import clipped_lanes_sum, lane_models
from fedasr.protection.silo_noise.plan import SiloNoisePlan
from fedasr.training.objectives.supervised import Supervised

Draws = NDArray[np.float64]
END = LAST * WIDTH
"""Of the noise, in scales."""
NEAR_ZERO = (0.0, *(2.0 ** (k - 51) for k in (12, 16, 18, 20, 22, 23, 24, 25, 26, 28, 32, 38, 44, 50)))
"""Edges of the strata of outputs, in standard deviations."""
TAIL = (1.0, 3.0, 5.0, 6.0, 7.0, 8.0, 8.15)
"""Edges of the strata of noise beyond them."""
A_STRATUM, NEAR = 200, 60
"""Outputs drawn, and values of the noise tried on either side."""


@dataclass
class Chosen(Noise):
    """Noise that was chosen: so many standard deviations, to the grid and so many steps beside it."""

    draws: Draws
    beside: NDArray[np.int64]
    origin = "chosen"

    def rounded_normal(self, shape: int | tuple[int, ...], places: int) -> NDArray[np.int64]:
        wanted = np.rint(self.draws * 2.0**places).astype(np.int64) + self.beside
        return np.clip(wanted, -int(END) << places, int(END) << places).reshape(shape)

    rounded_laplace = rounded_normal


class Case(NamedTuple):
    """A number that is published of two neighbours.

    Parameters
    ----------
    name : str
    values : tuple of float
        What noise is added to, under each.
    deviation : float
    publish : callable
        ``publish(value, draws, beside)`` is what is published with that noise, float32.
    """

    name: str
    values: tuple[float, float]
    deviation: float
    publish: Callable[[float, Draws, NDArray[np.int64]], NDArray[np.float32]]


def only_one(case: Case) -> Iterator[tuple[str, float, float]]:
    """Yield each stratum, its chance, and the share of its outputs that the other neighbour cannot produce."""
    random, centre = np.random.default_rng(1), -case.values[0] / case.deviation
    strata = [("|output|", centre, *edges) for edges in pairwise(NEAR_ZERO)]
    strata += [("|noise|", 0.0, *edges) for edges in pairwise(TAIL)]
    for what, middle, low, high in strata:
        sizes = random.uniform(low, high, A_STRATUM) * random.choice([-1, 1], A_STRATUM)
        outputs = case.publish(case.values[0], middle + sizes, np.zeros(A_STRATUM, np.int64))
        own, others = (reached(case, outputs, neighbour) for neighbour in (0, 1))
        assert own.all(), "the enumeration misses its own draws"
        chance = sum(abs(float(ndtr(middle + s * high) - ndtr(middle + s * low))) for s in (-1, 1))
        yield f"{what} up to {high:.1e} σ", chance, 1 - float(others.mean())


def reached(case: Case, outputs: NDArray[np.float32], neighbour: int) -> NDArray[np.bool_]:
    """Return whether some noise near the one that is needed gives each output under a neighbour."""
    beside = np.tile(np.arange(-NEAR, NEAR + 1), len(outputs))
    wanted = np.repeat(outputs, 2 * NEAR + 1)
    needed = (wanted.astype(np.float64) - case.values[neighbour]) / case.deviation
    found = case.publish(case.values[neighbour], needed, beside) == wanted
    return np.asarray(found.reshape(len(outputs), -1).any(axis=1))


# What is published of sums of silos' changes


@dataclass(frozen=True)
class Shifts:
    """A ClientApp whose silos change the model by what they were told."""

    by_silo: Sequence[NDArray[np.float32]]

    def __call__(self) -> ClientApp:
        app = ClientApp()

        @app.train()
        def train(message: Message, context: Context) -> Message:
            model = arrays_of(message.content.array_records["arrays"])["w"]
            moved = array_record({"w": model + self.by_silo[int(context.node_config["silo"])]})
            return Message(
                RecordDict({"arrays": moved, "metrics": MetricRecord({"num-examples": 1})}), reply_to=message
            )

        return app


def silo_sums(plan: SiloNoisePlan, replaced: float) -> tuple[NoiseGrid, NDArray[np.float64]]:
    """Return the sum of six silos' changes as it reaches the noise, one of them multiplied by a number."""
    random = np.random.default_rng(5)
    changes = [random.normal(0, 0.2, 64).astype(np.float32) for _ in range(6)]
    changes[2] = changes[2] * np.float32(replaced)
    for change in changes:
        change[0] = 0.05 if replaced < 0 and change is changes[2] else 0.0  # a sum of exactly 0, or not
    grid = plan.grid(64, 6)
    assert grid is not None
    silos = InProcess().open_grid(Shifts(changes), {n: {"silo": n} for n in range(6)}, Streams(1), RULES)
    content = RecordDict({"arrays": array_record({"w": random.normal(0, 1, 64).astype(np.float32)})})
    messages = [Message(content, node, "train") for node in silos.get_node_ids()]
    (reply,) = silos.exchange(messages, round=0, mean=Mean(clip_norm=plan.clip_norm, grid=grid)).good
    return grid, arrays_of(reply.content.array_records[CHANGE])["w"]


def sum_cases(former: bool) -> Iterator[Case]:
    plan = SiloNoisePlan(5.88066742, 1.0, 1.0, 1e-5, "replace-one", 10)
    (grid, one), (_, other) = silo_sums(plan, 1.0), silo_sums(plan, -1.0)

    def publish(value: float, draws: Draws, beside: NDArray[np.int64]) -> NDArray[np.float32]:
        steps = np.full(len(draws), round(value / grid.step), np.float64)
        return plan.released({"w": steps}, grid, Chosen(draws, beside))["w"].astype(np.float32)

    for place in (0, *np.argsort(-np.abs(one - other))[:2]):
        values = float(one[place] * grid.step), float(other[place] * grid.step)
        yield Case(f"sum of changes, value {place}", values, grid.scale, before(grid.scale) if former else publish)


def gradient_cases(former: bool) -> Iterator[Case]:
    plan, (one, other) = _gradients()
    values = sum(part.numel() for part in one)
    deviation = plan.spec.noise_std

    def publish(value: float, draws: Draws, beside: NDArray[np.int64]) -> NDArray[np.float32]:
        whole = torch.full((values,), value, dtype=torch.float64)
        made = []
        for at in range(0, len(draws), values):  # as many at once as the model has: the grid depends on them
            part = slice(at, at + values)
            chosen = Chosen(np.resize(draws[part], values), np.resize(beside[part], values))
            made.append(plan.noised_mean([whole], plan.drawn_noise(values, chosen))[0].numpy().astype(np.float32))
        return np.concatenate(made)[: len(draws)] * np.float32(plan.spec.batch_size)  # a power of two

    flat = [torch.cat([part.flatten() for part in sums]).numpy() for sums in (one, other)]
    for place in np.argsort(-np.abs(flat[0] - flat[1]))[:2]:
        pair = float(flat[0][place]), float(flat[1][place])
        yield Case(f"gradient, value {place}", pair, deviation, before(deviation) if former else publish)


def _gradients() -> tuple[DPSGDPlan, tuple[list[torch.Tensor], list[torch.Tensor]]]:
    """Return the sums of clipped gradients of eight utterances, and of seven of them."""
    model = recogniser()
    batch = batch_for(model, 8)
    plan = DPSGDPlan(DPSGDSpec(1.0, 1.1, 8.0), 800)
    clip = plan.clip(sum(parameter.numel() for parameter in model.parameters()))
    pieces = batch, batch.trimmed(0, 7)
    one, other = (clipped_gradient_sum(model, Supervised().losses, piece, clip, None).gradient for piece in pieces)
    return plan, (one, other)


def before(deviation: float) -> Callable[[float, Draws, NDArray[np.int64]], NDArray[np.float32]]:
    """Return the arithmetic of before: 52-bit uniforms, inverted, added in float64 and published as float32."""

    def publish(value: float, draws: Draws, beside: NDArray[np.int64]) -> NDArray[np.float32]:
        words = np.clip(np.floor(ndtr(draws) * 2.0**52) + beside, 0, 2**52 - 1)
        return (value + ndtri((words + 0.5) * 2.0**-52) * deviation).astype(np.float32)

    return publish


# What is published of votes


def lost_answers() -> int:
    """Return how many answers only one of two histograms can give, the noise at its ends."""
    random = np.random.default_rng(2)
    lost = 0
    for _ in range(200):
        votes = random.multinomial(250, random.dirichlet(np.ones(5) / 4))
        votes[votes.argmax()] -= 1
        neighbours = [votes + np.eye(5, dtype=int)[place] for place in random.choice(5, 2, replace=False)]
        for mechanism in (GNMax(3.0), LNMax(2.0), GNMax(40.0)):
            one, other = (_answers(mechanism, each) for each in neighbours)
            lost += len(one ^ other)
        for check in (ThresholdCheck(200.0, 3.0), ThresholdCheck(-4000.0, 3.0)):
            one, other = ({bool(check.passes(n[None], _end(s, 1))[0]) for s in (-1, 1)} for n in neighbours)
            lost += len(one ^ other)
    return lost


def _answers(mechanism: NoisyMax, votes: NDArray[np.int64]) -> set[int]:
    """Return the classes that win where their noise is at one end and all others' at the other."""
    found = set()
    for wanted in range(len(votes)):
        ends = np.where(np.arange(len(votes)) == wanted, END, -END)
        found.add(int(mechanism.answer(votes[None], Chosen(ends, np.zeros(len(votes), np.int64)))[0]))
    return found


def _end(sign: int, count: int) -> Chosen:
    return Chosen(np.full(count, sign * END), np.zeros(count, np.int64))


# What is allowed for, not proven


def beside() -> float:
    """Return how far float32 moves the others' gradients, as a share of the clip, when an utterance joins them.

    In one batch it comes last; in two lanes the first of the second lane moves to the end of the first, too.
    """
    worst = 0.0
    for size in (3, 5, 16):
        batch, half = batch_for(recogniser(), size), (size - 1) // 2
        kept, alone = batch.trimmed(0, size - 1), batch.trimmed(size - 1, size)
        for before, after in (
            ([kept], [batch]),
            ([kept.trimmed(0, half), kept.trimmed(half, size - 1)],
             [batch.trimmed(0, half + 1), batch.trimmed(half + 1, size)]),
        ):  # fmt: skip
            moved = [a - b - c for a, b, c in zip(_sum(after), _sum(before), _sum([alone]), strict=True)]
            worst = max(worst, math.sqrt(sum(float(part.square().sum()) for part in moved)))
    return worst


def _sum(lanes: Sequence[Batch]) -> list[torch.Tensor]:
    models, masks = lane_models(recogniser(), len(lanes)), [None] * len(lanes)
    return clipped_lanes_sum(models, Supervised().losses, lanes, 1.0, masks, LATER).gradient


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--former", action="store_true", help="the arithmetic of before the grid")
    former = parser.parse_args().former
    total = 0.0
    for case in (*sum_cases(former), *gradient_cases(former)):
        found = list(only_one(case))
        mass = sum(chance * share for _, chance, share in found)
        total += mass
        print(f"{case.name}: {case.values[0]:.6g} or {case.values[1]:.6g}, σ {case.deviation:.3g}")
        for stratum, chance, share in found:
            if share:
                print(f"  {stratum}: chance {chance:.1e}, only one neighbour in {share:.3f} of the outputs")
        print(f"  outputs that only one neighbour can give: {mass:.2g} of the mass")
    lost = 0 if former else lost_answers()
    print(f"votes: {lost} answers that only one neighbour can give; beyond {END:g} scales: below 2⁻²⁹⁰⁰")
    print(f"float32 beside another utterance: {beside():.2g} of the clip, {BESIDE:.2g} allowed for")
    return int(total > 0 or lost > 0)


if __name__ == "__main__":
    sys.exit(main())
