"""Random streams: one for each purpose, round and silo, all derived from the experiment's seed."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import torch

SERVER = 2**32 - 1
"""The silo number under which the server draws."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Streams:
    """The random streams of an experiment, the same for all its rows.

    Every stream is ``SeedSequence(seed, spawn_key=(crc32(purpose), round, silo))``: it depends on what is drawn and
    for whom, never on which process draws it, when, or what a row is called. So rows that differ in one thing share
    all other dice. A row that begins where another ended draws others than that one drew: its streams have
    the number of rows behind it in their key, after the silo.

    Parameters
    ----------
    seed : int
        The experiment's seed, not negative.
    generation : int
        How many rows stand behind the row, each beginning where another ended; 0 for all others and for what all rows
        share (partition, start).
    """

    seed: int
    generation: int = 0

    def sequence(self, purpose: str, round: int = 0, silo: int = SERVER) -> np.random.SeedSequence:
        """Return the seed sequence of one purpose, round and silo."""
        behind = (self.generation,) if self.generation else ()
        key = (crc32(purpose.encode()), round, silo, *behind)
        return np.random.SeedSequence(entropy=self.seed, spawn_key=key)

    def numpy(self, purpose: str, round: int = 0, silo: int = SERVER) -> np.random.Generator:
        """Return a NumPy generator on that stream."""
        return np.random.default_rng(self.sequence(purpose, round, silo))

    def torch(
        self, purpose: str, round: int = 0, silo: int = SERVER, device: torch.device = CPU
    ) -> torch.Generator:  # fmt: skip
        """Return a torch generator on that stream, on the device where what it draws is needed."""
        return torch_generator(self.sequence(purpose, round, silo), device)


def torch_generator(sequence: np.random.SeedSequence, device: torch.device = CPU) -> torch.Generator:
    """Return a torch generator of a device, seeded from a seed sequence."""
    return seeded_generator(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)), device)


def seeded_generator(seed: int, device: torch.device) -> torch.Generator:
    """Return a torch generator of a device; from one seed another kind of device draws other numbers."""
    return torch.Generator(device).manual_seed(seed)


@contextmanager
def seeded_libraries(sequence: np.random.SeedSequence) -> Iterator[None]:
    """Seed the global generators of Python, NumPy and torch inside the block and restore them after it.

    For code that is not ours and draws from them: some of Flower's samplers, parameter initialisation.
    """
    with kept_libraries():
        seed_libraries(*sequence.generate_state(3, np.uint32).tolist())
        yield


@contextmanager
def kept_libraries() -> Iterator[None]:
    """Restore the global generators of Python, NumPy and torch after the block."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def seed_libraries(python_seed: int, numpy_seed: int, torch_seed: int) -> None:
    """Seed the global generators of Python, NumPy and torch."""
    random.seed(python_seed)
    np.random.seed(numpy_seed)
    # torch.manual_seed formats a stack trace for each kind of absent accelerator: about a millisecond.
    seed = torch.manual_seed if _has_accelerator() else torch.default_generator.manual_seed
    seed(torch_seed)


@functools.cache
def _has_accelerator() -> bool:
    return torch.accelerator.is_available()
