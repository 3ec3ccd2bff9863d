"""A run as it was recorded, set on another network: its rounds timed, its work between exchanges summed up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fedasr.network.network import Network
from fedasr.network.round_time import RoundTime, SiloWork, round_seconds
from fedasr.network.scaling import Workload
from fedasr.network.topology import ALL_TO_ALL, RING, SERVER

DENSE_SHARE = 0.95
"""A blob of at least this share of the float32 model's bytes counts as dense."""


@dataclass(frozen=True)
class Part:
    """One silo's part in one exchange, as recorded.

    Parameters
    ----------
    silo : int
    trains : bool
        Its messages asked for training.
    shared : bool
        Of a model that all share.
    each_step : bool
        A message is one step of training.
    up_blob, up_envelope, down_blob, down_envelope : int
        Bytes.
    audio_seconds : float or None
        Of speech it trained on; None where not said.
    cpu_seconds : float
        Measured in the run; used where `audio_seconds` is None.
    """

    silo: int
    trains: bool = False
    shared: bool = False
    each_step: bool = False
    up_blob: int = 0
    up_envelope: int = 0
    down_blob: int = 0
    down_envelope: int = 0
    audio_seconds: float | None = None
    cpu_seconds: float = 0.0

    @property
    def replied(self) -> bool:
        """Whether the silo answered; one that did not delays nobody."""
        return self.up_blob + self.up_envelope > 0


@dataclass(frozen=True)
class RecordedRow:
    """A row of a finished run.

    Parameters
    ----------
    name : str
    seed : int or None
    wer : float or None
    exchanges : tuple of tuple of Part
        In order.
    """

    name: str
    seed: int | None
    wer: float | None
    exchanges: tuple[tuple[Part, ...], ...]

    def trained(self) -> list[Part]:
        """Return the parts that trained a model that all share."""
        return [p for e in self.exchanges for p in e if p.shared and p.up_blob]

    def each_step(self) -> bool:
        """Return whether it exchanges at every step."""
        return any(part.each_step for part in self.trained())


@dataclass(frozen=True)
class Terms:
    """What turns records into seconds and bytes.

    Parameters
    ----------
    seconds_per_audio_second : float or None
        Training time on a device of speed 1, for the model that the run trained.
    seconds_per_message : float or None
        The time of each training message, in its stead.
    size_ratio : float
        The replayed model's parameters over the run's: multiplies compute and blobs.
    dense_bytes : float or None
        The float32 model's bytes in the run.
    topology : str or None
        None takes each row's own.
    """

    seconds_per_audio_second: float | None
    seconds_per_message: float | None = None
    size_ratio: float = 1.0
    dense_bytes: float | None = None
    topology: str | None = None

    def compute_seconds(self, part: Part) -> float:
        """Return the seconds that a part's training takes on a device of speed 1."""
        if self.seconds_per_audio_second is not None and part.audio_seconds is not None:
            return part.audio_seconds * self.seconds_per_audio_second * self.size_ratio
        if self.seconds_per_message is not None and part.up_blob and part.trains:
            return self.seconds_per_message * self.size_ratio
        return part.cpu_seconds * self.size_ratio


@dataclass(frozen=True)
class RowTime:
    """A row's simulated time; ``seconds = compute + waiting + communication``."""

    name: str
    wer: float | None
    topology: str
    uplink_bytes: float
    downlink_bytes: float
    seconds: float
    compute: float
    waiting: float
    communication: float


def dense_size(row: RecordedRow, terms: Terms) -> float:
    """Return the bytes of the dense model: said, or the largest model that was sent down."""
    largest = max((part.down_blob for exchange in row.exchanges for part in exchange), default=0)
    return (largest if terms.dense_bytes is None else terms.dense_bytes) * terms.size_ratio


def is_dense(row: RecordedRow, terms: Terms) -> bool:
    """Return whether what silos send is as large as the model."""
    blobs = [part.up_blob for part in row.trained()]
    return bool(blobs) and float(np.mean(blobs)) * terms.size_ratio >= DENSE_SHARE * dense_size(row, terms)


def topology_of(row: RecordedRow, terms: Terms) -> str:
    """Return how a row exchanges: told by its messages, unless the terms say.

    Dense arrays go round a ring; sparse ones at every step from all to all; the rest through a server.
    """
    if not row.trained():
        return SERVER
    if terms.topology is not None:
        return terms.topology
    if is_dense(row, terms):
        return RING
    return ALL_TO_ALL if row.each_step() else SERVER


def row_time(row: RecordedRow, network: Network, terms: Terms, seeds: np.random.SeedSequence) -> RowTime:
    """Return the simulated time of a row as it ran, its exchanges one after another."""
    topology = topology_of(row, terms)
    dense = dense_size(row, terms) if topology == RING else 0.0
    work = [[_work(part, terms, dense) for part in exchange if part.replied] for exchange in row.exchanges]
    times = [round_seconds(network, number, w, topology, seeds) for number, w in enumerate(work, start=1)]
    recorded = [part for exchange in row.exchanges for part in exchange]
    up = sum(terms.size_ratio * p.up_blob + p.up_envelope for p in recorded)
    down = sum(terms.size_ratio * p.down_blob + p.down_envelope for p in recorded)
    return RowTime(row.name, row.wer, topology, up, down, *_sums(times))


def workload_of(row: RecordedRow, terms: Terms) -> Workload | None:
    """Return a row's mean work between exchanges; None for rows that train no model together, or whose work is unknown.

    Silos that ran elsewhere, under a guarantee, say nothing of what their work took.
    """
    parts = row.trained()
    if not parts:
        return None
    topology = topology_of(row, terms)
    work = [_work(part, terms, dense_size(row, terms) if topology == RING else 0.0) for part in parts]
    up, down, compute = (
        float(np.mean([getattr(w, name) for w in work])) for name in ("up_bytes", "down_bytes", "compute_seconds")
    )
    if not compute:
        return None
    return Workload(row.name, row.each_step(), topology, up, down, compute, len(parts))


def _work(part: Part, terms: Terms, least_bytes: float) -> SiloWork:
    """`least_bytes`: a ring adds dense vectors, however sparse what goes in."""
    up = terms.size_ratio * part.up_blob + part.up_envelope
    down = terms.size_ratio * part.down_blob + part.down_envelope
    return SiloWork(part.silo, terms.compute_seconds(part), max(up, least_bytes), down)


def _sums(times: Iterable[RoundTime]) -> tuple[float, float, float, float]:
    rows = [(time.total, time.compute, time.waiting, time.communication) for time in times]
    total, compute, waiting, communication = np.sum(np.array(rows).reshape(-1, 4), axis=0).tolist()
    return total, compute, waiting, communication
