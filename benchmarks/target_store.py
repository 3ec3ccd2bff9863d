"""What the store of a teacher's top outputs costs: bytes, frames a second, memory.

python benchmarks/target_store.py --frames 10000000
python benchmarks/target_store.py --frames 100000000 --folder /a/disk/with/10/GB

Two processes write a shard each and read it back, a frame of 30 ms and 20 of 3,000 outputs, utterances of 20 to 400
frames; every utterance read is compared with what was written. Then one process takes batches of utterances at random,
from two shards and from many small ones, and opens a store of 10⁹ frames whose blocks are a hole in the file. Memory is
`Pss_Anon` + `Pss_Shmem` of all processes, sampled ten times a second; they are forked, so that what importing torch
takes is counted once. Where other work is on the machine, frames a second of processor time are what to look at.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedasr.training.targets import layout
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.store import TargetStore
from fedasr.training.targets.top import TopTargets, top_targets
from fedasr.training.targets.writer import ShardWriter

BINDING = TargetBinding("0" * 64, "1" * 64, "2" * 64, outputs=3_000, frames_stacked=3, top_k=20)
WRITERS, BATCH, KINDS = 2, 32, 64
SPARSE_FRAMES, SPARSE_UTTERANCE = 10**9, 167


def kinds() -> list[TopTargets]:
    """Return the targets that utterances have in turn: real ones of random scores."""
    random = np.random.default_rng(1)
    lengths = random.integers(20, 401, KINDS)
    return [top_targets(random.normal(0, 3, (frames, BINDING.outputs)).astype(np.float32), 20) for frames in lengths]


def write(folder: str, shard: int, known: list[TopTargets], frames: int) -> tuple[int, float]:
    """Write a shard of at least so many frames; return its utterances, and the processor's seconds."""
    number, written, begun = 0, 0, time.process_time()
    with ShardWriter(Path(folder) / f"{shard}.targets", BINDING) as writer:
        while written < frames:
            writer.add(f"{shard}-{number}", known[number % KINDS])
            written += len(known[number % KINDS].log_tail_T)
            number += 1
        writer.seal()
    return number, time.process_time() - begun


def read(folder: str, shard: int, known: list[TopTargets], utterances: int) -> tuple[int, float]:
    """Read a shard in batches; return how many utterances were not what was written, and the processor's seconds."""
    wrong, begun = 0, time.process_time()
    store = TargetStore.open(Path(folder), BINDING)
    for first in range(0, utterances, BATCH):
        numbers = range(first, min(first + BATCH, utterances))
        batch = store.batch([f"{shard}-{number}" for number in numbers])
        for row, number in enumerate(numbers):
            expected = known[number % KINDS].indices_TK
            found = batch.tokens_BTK[row, : len(expected)].numpy()
            wrong += not (np.array_equal(found, expected) and not batch.tail_BT[row, len(expected) :].any())
    return wrong, time.process_time() - begun


def private_mb(pid: int) -> float:
    """Return a process' share of memory that is no file's, in MB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    parts = dict(line.split(":", 1) for line in lines[1:])
    return sum(int(parts[name].split()[0]) for name in ("Pss_Anon", "Pss_Shmem")) * 1.024e-3


@contextmanager
def peak(pids: Callable[[], list[int]]) -> Iterator[list[float]]:
    """Sample the private memory of some processes together; the first number is the most, in MB."""
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            most[0] = max(most[0], sum(private_mb(pid) for pid in pids()))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


@dataclass(frozen=True)
class Done:
    """What processes side by side returned, their seconds by the clock and of processors, and the most memory."""

    values: list[int]
    seconds: float
    processor_seconds: float
    memory_mb: float


def side_by_side(work: Callable[..., tuple[int, float]], arguments: list[tuple[Any, ...]]) -> Done:
    """Run work in a process for each tuple."""
    with multiprocessing.get_context("fork").Pool(len(arguments)) as pool:
        pids = [os.getpid(), *(child.pid or 0 for child in multiprocessing.active_children())]
        with peak(lambda: pids) as most:
            begun = time.perf_counter()
            done = pool.starmap(work, arguments, chunksize=1)
            seconds = time.perf_counter() - begun
    return Done([value for value, _ in done], seconds, sum(spent for _, spent in done), most[0])


def random_batches(store: TargetStore, ids: list[str], seconds: float = 5.0) -> str:
    """Tell of batches of utterances at random: frames a second, and milliseconds a batch."""
    random, frames, batches = np.random.default_rng(2), 0, 0
    begun, spent = time.perf_counter(), time.process_time()
    while (taken := time.perf_counter() - begun) < seconds:
        batch = store.batch([ids[number] for number in random.integers(0, len(ids), BATCH)])
        frames += int((batch.probabilities_BTK[:, :, 0] > 0).sum())
        batches += 1
    spent = time.process_time() - spent
    return f"{frames / taken:,.0f} ({frames / spent:,.0f}) frames/s, {1e3 * spent / batches:.2f} ms a batch"


def many_shards(folder: Path, shards: int, known: list[TopTargets], utterances: int = 20) -> str:
    """Write many small shards, and tell of batches from them."""
    for shard in range(shards):
        with ShardWriter(folder / f"{shard}.targets", BINDING) as writer:
            for number in range(utterances):
                writer.add(f"{shard}-{number}", known[(shard + number) % KINDS])
            writer.seal()
    ids = [f"{shard}-{number}" for shard in range(shards) for number in range(utterances)]
    return random_batches(TargetStore.open(folder, BINDING), ids)


def sparse(path: Path, frames: int, seed: int) -> int:
    """Write a shard of so many frames with a true index over a hole; return its utterances."""
    utterances = frames // SPARSE_UTTERANCE
    header, block = layout.header(BINDING), layout.block_bytes(SPARSE_UTTERANCE, BINDING.kept)
    first_N = np.sort(np.random.default_rng(seed).integers(0, 2**64, utterances, np.uint64))
    columns = [first_N, first_N[::-1], len(header) + block * np.arange(utterances, dtype=np.uint64)]
    columns += [np.full(utterances, SPARSE_UTTERANCE, np.uint32), np.zeros(utterances, np.uint32)]
    place, crc = len(header) + block * utterances + -(len(header) + block * utterances) % 8, 0
    with path.open("wb") as file:
        file.write(header)
        file.seek(place)
        for column in columns:
            crc = zlib.crc32(column.tobytes(), crc)
            file.write(column.tobytes())
        file.write(layout.Footer(utterances, utterances * SPARSE_UTTERANCE, place, crc, zlib.crc32(header)).to_bytes())
    return utterances


def opening_ms(folder: Path, times: int = 21) -> tuple[float, float]:
    """Return the median and the longest time to open a store, in ms."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        TargetStore.open(folder, BINDING)
        taken.append(1e3 * (time.perf_counter() - begun))
    return float(np.median(taken)), max(taken)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000_000)
    parser.add_argument("--shards", type=int, default=1_000, help="small shards that batches are taken from")
    parser.add_argument("--folder", type=Path, help="where to write; 85 bytes a frame")
    asked = parser.parse_args()
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n\n"
        "| what | figure: by the clock (of processor time) |\n|---|---|"
    )
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        report(Path(name), asked.frames, asked.shards)
    print(f"\nload {os.getloadavg()[0]:.1f}")


def report(folder: Path, frames: int, shards: int) -> None:
    """Measure, and print a row for each thing measured."""
    for part in ("two", "many", "sparse", "sparse-8"):
        (folder / part).mkdir()
    two, opened = str(folder / "two"), private_mb(os.getpid())
    with multiprocessing.get_context("fork").Pool(1) as pool:  # scoring takes memory, which is not the store's
        known = pool.apply(kinds)
    written = side_by_side(write, [(two, shard, known, frames // WRITERS) for shard in range(WRITERS)])
    store = TargetStore.open(folder / "two", BINDING)
    print(f"| frames, utterances | {store.frames:,}, {store.utterances:,} |")
    print(f"| bytes a frame | {store.nbytes / store.frames:.2f} |")
    print(f"| memory of one process after its imports | {opened:.0f} MB |")
    print(f"| written, with fsync, by {WRITERS} processes | {told(store.frames, written)} |")
    seen = side_by_side(read, [(two, shard, known, count) for shard, count in enumerate(written.values)])
    print(f"| read, verified, expanded and compared, by {WRITERS} processes | {told(store.frames, seen)} |")
    print(f"| utterances that came back otherwise | {sum(seen.values)} |")
    ids = [f"{shard}-{number}" for shard, count in enumerate(written.values) for number in range(count)]
    print(f"| random batches of {BATCH}, 1 process, {WRITERS} shards | {random_batches(store, ids)} |")
    print(f"| the same, {shards:,} shards | {many_shards(folder / 'many', shards, known)} |")
    count = sparse(folder / "sparse" / "0.targets", SPARSE_FRAMES, seed=3)
    middle, longest = opening_ms(folder / "sparse")
    size = TargetStore.open(folder / "sparse", BINDING).nbytes
    print(f"| opens 10⁹ frames, {count:,} utterances, {size / 1e9:.1f} GB | {middle:.2f} ms, at most {longest:.2f} |")
    print(f"| the same in 8 shards | {eight(folder / 'sparse-8')} |")


def eight(folder: Path) -> str:
    """Tell of a large store of eight shards: opened, its indices merged before the first is read, and memory."""
    for shard in range(8):
        sparse(folder / f"{shard}.targets", SPARSE_FRAMES // 8, seed=shard)
    middle, longest = opening_ms(folder)
    store, before, begun = TargetStore.open(folder, BINDING), private_mb(os.getpid()), time.perf_counter()
    assert "nobody" not in store
    taken, more = time.perf_counter() - begun, private_mb(os.getpid()) - before
    return f"{middle:.2f} ms, at most {longest:.2f}; first look for an utterance {taken:.1f} s, {more:.0f} MB more"


def told(frames: int, done: Done) -> str:
    """Return frames a second by the clock and, in brackets, of a processor, and the memory of all processes."""
    return f"{frames / done.seconds:,.0f} ({frames / done.processor_seconds:,.0f}) frames/s, {done.memory_mb:.0f} MB"


if __name__ == "__main__":
    main()
