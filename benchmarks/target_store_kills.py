"""Kill writers of the store of teacher outputs at random moments, and see what is left.

python benchmarks/target_store_kills.py --kills 100

Two processes write shards side by side into one folder, one shard after another. At a random moment one of them gets
`kill -9`, or both; then every sealed shard is read, and each utterance compared with what it must be. Writers go on
with the first shard that is missing. Every fourth kill is on a disk of 4 MB (a tmpfs, where this may be mounted, else a
limit on the size of files), which is full most of the time. A killed process loses nothing that the system holds:
this is no test of a power cut.
"""

from __future__ import annotations

import argparse
import mmap
import multiprocessing
import os
import resource
import signal
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.store import TargetStore
from fedasr.training.targets.top import TopTargets
from fedasr.training.targets.writer import ShardWriter

BINDING = TargetBinding("0" * 64, "1" * 64, "2" * 64, outputs=3_000, frames_stacked=3, top_k=20)
WRITERS, UTTERANCES, KILLS_A_FOLDER, DISK_MB = 2, 200, 4, 4
ADDING, SEALING = 1, 2
PHASE, SEALED, FULL, OTHERWISE = range(4)


@dataclass
class Seen:
    """What the kills met, and what was wrong afterwards."""

    kills: int = 0
    adding: int = 0
    sealing: int = 0
    full: int = 0
    shards: int = 0
    frames: int = 0
    lost: int = 0
    wrong: int = 0
    leftovers: int = 0


def targets(utterance_id: str) -> TopTargets:
    """Return the targets that an utterance must have."""
    random = np.random.default_rng(zlib.crc32(utterance_id.encode()))
    frames = int(random.integers(0, 61))
    log_TK = -np.sort(random.exponential(3, (frames, 20))).astype(np.float16)
    indices_TK = random.integers(0, BINDING.outputs, (frames, 20)).astype(np.uint16)
    return TopTargets(log_TK, indices_TK, -random.exponential(3, frames).astype(np.float16))


def names(writer: int, shard: int) -> list[str]:
    """Return the utterances of a shard."""
    return [f"{writer}-{shard}-{number}" for number in range(UTTERANCES)]


def write(folder: Path, writer: int, first: int, state: NDArray[np.int64], limit: int | None) -> None:
    """Write shard after shard until killed, and say in shared memory what is being done."""
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    shard = first
    while True:
        try:
            with ShardWriter(folder / f"{writer}-{shard}.targets", BINDING) as open_shard:
                state[PHASE] = ADDING
                for name in names(writer, shard):
                    open_shard.add(name, targets(name))
                state[PHASE] = SEALING
                open_shard.seal()
            state[PHASE], shard = ADDING, shard + 1
            state[SEALED] = shard
        except UserError as error:
            one_line = len(error.lines) == 1 and ("disk is full" in str(error) or "too large" in str(error))
            state[FULL if one_line else OTHERWISE] += 1


def check(folder: Path, acknowledged: list[int], seen: Seen) -> list[int]:
    """Read everything that is sealed; return how many shards each writer has."""
    shards = [len(list(folder.glob(f"{writer}-*.targets"))) for writer in range(WRITERS)]
    for writer, (there, known) in enumerate(zip(shards, acknowledged, strict=True)):
        seen.lost += max(0, known - there) + max(0, there - known - 1)
        seen.lost += sum(not (folder / f"{writer}-{shard}.targets").exists() for shard in range(there))
    if sum(shards):
        store = TargetStore.open(folder, BINDING)
        expected = [
            name for writer in range(WRITERS) for shard in range(shards[writer]) for name in names(writer, shard)
        ]
        seen.wrong += store.utterances != len(expected)
        seen.wrong += sum(not same(store.top(name), targets(name)) for name in expected)
        seen.shards, seen.frames = seen.shards + sum(shards), seen.frames + store.frames
    return shards


def same(one: TopTargets, other: TopTargets) -> bool:
    parts = ("log_probabilities_TK", "indices_TK", "log_tail_T")
    return all(np.array_equal(getattr(one, part), getattr(other, part)) for part in parts)


def kill(folder: Path, first: list[int], random: np.random.Generator, limit: int | None, seen: Seen) -> list[int]:
    """Let two writers go on, kill one or both, and return how many shards each has."""
    context = multiprocessing.get_context("fork")
    states = [np.frombuffer(mmap.mmap(-1, 4096), np.int64) for _ in range(WRITERS)]
    for state, shard in zip(states, first, strict=True):
        state[SEALED] = shard
    work = [(folder, writer, first[writer], states[writer], limit) for writer in range(WRITERS)]
    children = [context.Process(target=write, args=arguments) for arguments in work]
    for child in children:
        child.start()
    time.sleep(random.uniform(0, 0.4))
    for writer in random.permutation(WRITERS)[: random.integers(1, WRITERS + 1)]:
        os.kill(children[writer].pid or 0, signal.SIGKILL)
        children[writer].join()
        seen.adding += states[writer][PHASE] == ADDING
        seen.sealing += states[writer][PHASE] == SEALING
        time.sleep(random.uniform(0, 0.05))
    seen.kills += 1
    if any(child.is_alive() for child in children) and list(folder.glob("[!.]*.targets")):
        TargetStore.open(folder, BINDING).verify()  # beside a writer that is at work
    for child in children:
        child.kill()
        child.join()
    seen.full += sum(int(state[FULL]) for state in states)
    seen.wrong += sum(int(state[OTHERWISE]) for state in states)
    return check(folder, [int(state[SEALED]) for state in states], seen)


@contextmanager
def small_disk(folder: Path) -> Iterator[int | None]:
    """Make the folder a disk of 4 MB; where this is not allowed, return a limit on the size of a file."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield 300_000 if mounted.returncode else None
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def large_disk(folder: Path) -> Iterator[int | None]:
    yield None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    random, seen, turn = np.random.default_rng(asked.seed), Seen(), 0
    while seen.kills < asked.kills:
        turn += 1
        disk = small_disk if turn % 4 == 0 else large_disk
        with tempfile.TemporaryDirectory() as name, disk(Path(name)) as limit:
            shards = [0] * WRITERS
            for _ in range(min(KILLS_A_FOLDER, asked.kills - seen.kills)):
                shards = kill(Path(name), shards, random, limit, seen)
            for writer, shard in enumerate(shards):  # a writer of the same shard removes what was left of it
                left = ShardWriter(Path(name) / f"{writer}-{shard}.targets", BINDING)
                left.discard()
            seen.leftovers += len(list(Path(name).glob(".*")))
    for what, count in vars(seen).items():
        print(f"{what}: {count:,}")
    return bool(seen.lost or seen.wrong or seen.leftovers)


if __name__ == "__main__":
    raise SystemExit(main())
