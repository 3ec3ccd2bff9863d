"""Weak scaling: each of N workers does the same work between exchanges, and throughput is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fedasr.network.devices import child
from fedasr.network.network import Network
from fedasr.network.round_time import DROP_OUT, SPEED, STRAGGLER
from fedasr.network.topology import exchange

MOST_WORKERS = 65536
GRID = tuple(sorted({*range(1, 257), *(round(256 * 2 ** (k / 32)) for k in range(1, 257))}))
"""Where landmarks are looked for: each number up to 256, then 32 for each doubling."""
DRAWS = 16
USEFUL_GAIN, HALF = 0.05, 0.5
PUBLISHED_STEP, PUBLISHED_BLOCK = 16, 64
"""Workers of gradient threshold compression and of BMUF in Parthasarathi and Strom, ICASSP 2019."""
TIE = 1e-9
"""Closer speed-ups than this count as equal."""


@dataclass(frozen=True)
class Workload:
    """What one worker does from one exchange to the next.

    Parameters
    ----------
    name : str
    each_step : bool
        Whether it exchanges after every step, not after a block of steps.
    topology : str
    up_bytes, down_bytes : float
        Of a worker; for a ring the dense size.
    compute_seconds : float
        On a device of speed 1.
    exchanges : int
        How many workers' exchanges the same data makes in all.
    """

    name: str
    each_step: bool
    topology: str
    up_bytes: float
    down_bytes: float
    compute_seconds: float
    exchanges: int = 1


@dataclass(frozen=True)
class SpeedPoint:
    """Throughput of N workers.

    Attributes
    ----------
    workers : int
    round_seconds : float
        From one exchange to the next.
    seconds : float
        For the run's data.
    speedup : float
        Over one middling worker that exchanges nothing: ``N · compute / round_seconds``.
    efficiency : float
        ``speedup / N``.
    """

    workers: int
    round_seconds: float
    seconds: float
    speedup: float
    efficiency: float


@dataclass(frozen=True)
class Scaling:
    """Speed-ups on one network.

    Parameters
    ----------
    network : Network
    seeds : numpy.random.SeedSequence
    """

    network: Network
    seeds: np.random.SeedSequence

    @cached_property
    def slowness(self) -> NDArray[np.float64]:
        """Entry N−1: the expected factor of the slowest of N workers, in rounds of stragglers and drop-outs.

        A mean of `DRAWS` rounds.
        """
        devices, drop_out = self.network.devices, self.network.drop_out
        speeds = devices.speeds(child(self.seeds, SPEED), MOST_WORKERS)
        total = np.zeros(MOST_WORKERS)
        for draw in range(DRAWS):
            factors = devices.slowdowns(child(self.seeds, STRAGGLER, draw), MOST_WORKERS) / speeds
            if drop_out:
                lot = np.random.default_rng(child(self.seeds, DROP_OUT, draw)).random(MOST_WORKERS)
                factors = factors * np.where(lot < drop_out, 2, 1)
            total += np.maximum.accumulate(factors)
        return total / DRAWS

    def point(self, workload: Workload, workers: int) -> SpeedPoint:
        """Return the throughput of some workers: ``compute · slowest · (1 + wait · log2 N) + exchange``."""
        network = self.network
        alone = workload.compute_seconds / network.devices.median_speed()
        wait = 1 + network.wait_per_doubling * float(np.log2(workers))
        cost = exchange(
            workload.topology, workers, workload.up_bytes, workload.down_bytes, network.link, network.server_link
        )
        slowest = workload.compute_seconds * float(self.slowness[min(workers, MOST_WORKERS) - 1])
        seconds = slowest * wait + cost.seconds
        efficiency = alone / seconds if seconds else 1.0
        total = workload.exchanges / workers * seconds
        return SpeedPoint(workers, seconds, total, workers * efficiency, efficiency)

    def speedups(self, workload: Workload, grid: Sequence[int] = GRID) -> NDArray[np.float64]:
        """Return the speed-up at each number of workers."""
        return np.array([self.point(workload, workers).speedup for workers in grid])


@dataclass(frozen=True)
class Landmarks:
    """Where averaging now and then overtakes exchanging at every step. None: beyond `MOST_WORKERS`.

    Attributes
    ----------
    step_row, block_row : str
    crossover : int or None
        The fewest workers with which the block row's throughput is the greater.
    step_useful, block_useful : int or None
        The most workers whose doubling still gains 5%.
    step_half, block_half : int or None
        The most workers of efficiency 0.5; 0 where even one has less.
    quarter_from : int or None
        The fewest workers N for which the block row on 4N has four times the throughput of the step row on N.
    four_times : bool
        Whether the block row carries four times the workers at efficiency 0.5.
    gain_at_published : float
        Throughput of the block row on 64 workers over the step row's on 16, the published pair.
    """

    step_row: str
    block_row: str
    crossover: int | None
    step_useful: int | None
    block_useful: int | None
    step_half: int | None
    block_half: int | None
    quarter_from: int | None
    four_times: bool
    gain_at_published: float


def landmarks(scaling: Scaling, step: Workload, block: Workload) -> Landmarks:
    """Compare a row that exchanges at each step with one that does after blocks of them."""
    step_half, block_half = _half(scaling, step), _half(scaling, block)
    quarters = [n for n in GRID if 4 * n <= MOST_WORKERS]
    ahead = scaling.speedups(block) > scaling.speedups(step) * (1 + TIE)
    four = scaling.speedups(block, [4 * n for n in quarters]) >= 4 * scaling.speedups(step, quarters)
    return Landmarks(
        step.name, block.name, _first(GRID, ahead),
        _useful(scaling, step), _useful(scaling, block), step_half, block_half, _first(quarters, four),
        bool(step_half) and (block_half is None or block_half >= 4 * (step_half or 0)),
        scaling.point(block, PUBLISHED_BLOCK).speedup / scaling.point(step, PUBLISHED_STEP).speedup,
    )  # fmt: skip


def _half(scaling: Scaling, workload: Workload) -> int | None:
    return _last(GRID, scaling.speedups(workload) >= HALF * np.array(GRID))


def _useful(scaling: Scaling, workload: Workload) -> int | None:
    doubled = scaling.speedups(workload, [2 * n for n in GRID])
    return _last(GRID, doubled >= (1 + USEFUL_GAIN) * scaling.speedups(workload))


def _first(grid: Sequence[int], holds: NDArray[np.bool_]) -> int | None:
    return grid[int(holds.argmax())] if holds.any() else None


def _last(grid: Sequence[int], holds: NDArray[np.bool_]) -> int | None:
    """Return the last of the numbers that holds; 0 where none does, None where the last of all does."""
    if not holds.any():
        return 0
    last = int(np.flatnonzero(holds)[-1])
    return None if last == len(grid) - 1 else grid[last]
