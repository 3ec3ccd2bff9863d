"""Replaying a finished run on another network and with more workers, without training again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np

from fedasr.common.errors import UserError, nearest
from fedasr.network.network import Network
from fedasr.network.published import PUBLISHED, SOURCE
from fedasr.network.recorded import (
    RecordedRow,
    RowTime,
    Terms,
    dense_size,
    is_dense,
    row_time,
    topology_of,
    workload_of,
)
from fedasr.network.scaling import Landmarks, Scaling, SpeedPoint, Workload, landmarks
from fedasr.network.topology import RING, SERVER, TOPOLOGIES
from fedasr.runs import file_names
from fedasr.runs.filling import Record
from fedasr.runs.json_files import whole_json
from fedasr.runs.replayed.exchanges import read_rows

MOST_WORKERS = 10**9
LIMITS = {
    "parameters": (1, 10**15),
    "compute_seconds_per_step": (1e-12, 1e9),
    "device_speed": (1e-9, 1e9),
}
"""The least and the most that is taken for an option: beyond lies no machine, and soon no number."""


@dataclass(frozen=True)
class Scenario:
    """Where and how a run is replayed.

    Parameters
    ----------
    network : Network
    workers : tuple of int
        The columns of the scaling table.
    rows : tuple of str
        Only these; empty for all.
    topology : str or None
        None takes what the messages tell.
    parameters : int or None
        The model's size to scale blobs and compute to.
    compute_seconds_per_step : float or None
        On a device of speed 1, in place of what ``compute.json`` says.
    device_speed : float or None
        In place of the network's.
    """

    network: Network
    workers: tuple[int, ...] = (16, 64, 256, 1024, 4096)
    rows: tuple[str, ...] = ()
    topology: str | None = None
    parameters: int | None = None
    compute_seconds_per_step: float | None = None
    device_speed: float | None = None

    def __post_init__(self) -> None:
        for workers in self.workers:
            if not 1 <= workers <= MOST_WORKERS:
                raise UserError(f"--workers {workers}: must be at least 1 and at most {MOST_WORKERS:,}")
        if self.topology is not None and self.topology not in TOPOLOGIES:
            raise UserError(f"--topology {self.topology}: no such topology{nearest(self.topology, TOPOLOGIES)}")
        if self.topology not in (None, SERVER) and not self.network.peers:
            name = self.network.name
            raise UserError(
                f"--topology {self.topology}: in network {name} silos do not reach each other; leave it out"
            )
        for option, (least, most) in LIMITS.items():
            value = getattr(self, option)
            if value is not None and not least <= value <= most:
                limits = f"at least {least:g} and at most {most:g}"
                raise UserError(f"--{option.replace('_', '-')} {value}: must be {limits}")

    def placed(self) -> Network:
        """Return the network with the speed of the devices asked for."""
        if self.device_speed is None:
            return self.network
        return replace(self.network, devices=replace(self.network.devices, speed=self.device_speed))


@dataclass(frozen=True)
class Curve:
    """A row's speed-up against workers."""

    workload: Workload
    points: tuple[SpeedPoint, ...]


@dataclass(frozen=True)
class Replay:
    """A run on another network.

    Attributes
    ----------
    network : Network
    assumptions : tuple of str
    rows : tuple of RowTime
        The run as it was.
    curves : tuple of Curve
        The scaling of each row that trains a model together.
    landmarks : tuple of Landmarks
        One for each pair, of one seed, of a row that exchanges at every step and one that does not.
    """

    network: Network
    assumptions: tuple[str, ...]
    rows: tuple[RowTime, ...]
    curves: tuple[Curve, ...]
    landmarks: tuple[Landmarks, ...]


@dataclass(frozen=True)
class SpeedupCurves:
    """Speed-ups of a run's rows beside published ones (method to workers to speed-up)."""

    curves: tuple[Curve, ...]
    published: Mapping[str, Mapping[int, float]]
    source: str


def replay(folder: Path, scenario: Scenario) -> Replay:
    """Replay a finished run.

    Raises
    ------
    UserError
        Where the folder is no run, a row is unknown, or what training costs is not known.
    """
    seed, rows = read_rows(folder, scenario.rows)
    terms, compute_note = _terms(folder, rows, scenario)
    # The stream of a simulation's own clock (fedasr.common.randomness, without torch): the same silos are slow.
    key = (crc32(b"network"), 0, 2**32 - 1)
    network, seeds = scenario.placed(), np.random.SeedSequence(entropy=seed, spawn_key=key)
    scaling = Scaling(network, seeds)
    workloads = [workload for row in rows if (workload := workload_of(row, terms))]
    seed_of = {row.name: row.seed for row in rows}
    pairs = [(s, b) for s in workloads for b in workloads if s.each_step and not b.each_step]
    pairs = [(s, b) for s, b in pairs if seed_of[s.name] == seed_of[b.name]]
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is refused
        found = Replay(
            network,
            tuple(_assumptions(network, terms, rows, compute_note)),
            tuple(row_time(row, network, terms, seeds) for row in rows),
            tuple(Curve(w, tuple(scaling.point(w, n) for n in scenario.workers)) for w in workloads),
            tuple(landmarks(scaling, step, block) for step, block in pairs),
        )
    if not all(map(math.isfinite, _seconds(found))):
        raise UserError(f"network {network.name}: its numbers give no finite time; correct its speeds and latencies")
    return found


def _seconds(found: Replay) -> Iterator[float]:
    """Yield all times and speed-ups of a replay."""
    yield from (row.seconds for row in found.rows)
    yield from (number for c in found.curves for p in c.points for number in (p.seconds, p.speedup))


def speedup_curves(folder: Path, network: Network, workers: Sequence[int]) -> SpeedupCurves:
    """Return the speed-up of each row at some numbers of workers, and the published points."""
    found = replay(folder, Scenario(network, tuple(workers)))
    return SpeedupCurves(found.curves, PUBLISHED, SOURCE)


def _terms(folder: Path, rows: Sequence[RecordedRow], scenario: Scenario) -> tuple[Terms, str]:
    """Return the terms of a scenario, and one line on where the compute time comes from."""
    path, step = folder / file_names.COMPUTE, scenario.compute_seconds_per_step
    if step is None and not path.is_file():
        raise UserError(f"{path}: not found, so what training costs is not known; give --compute-seconds-per-step")
    record = whole_json(path, "") if path.is_file() else {}
    parameters = _number(record, "parameters", path)
    if scenario.parameters is not None and parameters is None:
        raise UserError(f"{path}: 'parameters' is missing, which --parameters needs: the size of the run's own model")
    rate = _number(record, "seconds_per_audio_second", path)
    note = f"compute: {rate} s a second of speech, measured on {record.get('processor', 'this machine')}"
    if step is not None:
        heard = [p.audio_seconds for r in rows for p in r.trained() if p.each_step and p.audio_seconds]
        rate = step / float(np.mean(heard)) if heard else None
        note = f"compute: {step:g} s a step, as given" + ("" if heard else "; each message is taken as one step")
    elif rate is None:
        raise UserError(f"{path}: 'seconds_per_audio_second' is missing; give --compute-seconds-per-step")
    ratio = scenario.parameters / parameters if scenario.parameters and parameters else 1.0
    dense = None if parameters is None else 4 * parameters
    topology = scenario.topology or (None if scenario.network.peers else SERVER)
    return Terms(rate, step if rate is None else None, ratio, dense, topology), note


def _assumptions(network: Network, terms: Terms, rows: Sequence[RecordedRow], compute_note: str) -> list[str]:
    """Return what the numbers rest on, one line each."""
    lines = [f"network {network.name}: {network.note or 'as its file says'}", compute_note]
    if terms.size_ratio != 1:
        lines.append(f"model scaled by {terms.size_ratio:.4g}: compute and blobs in proportion, envelopes not")
    speed, kind = network.devices.median_speed(), network.devices.kind
    lines.append(f"devices: {speed:g} × the machine that was measured ({kind})")
    lines.append(
        f"waiting: {network.wait_per_doubling:.4f} of compute for each doubling of workers"
        + (" (fitted to the published speed-ups at 4 and 8)" if network.wait_per_doubling else "")
    )
    lines.append("each worker does one exchange's mean work of the run; nothing is sent while it computes")
    lines.append("coding and adding up of blobs take no time beyond the link's seconds a message")
    for row in rows:
        if workload := workload_of(row, terms):
            lines.append(_exchange_line(row, workload, terms))
            if any(part.audio_seconds is None for part in row.trained()) and terms.seconds_per_message is None:
                lines.append(f"{row.name}: where messages do not say their speech, the processor time of the run")
        elif row.trained():
            lines.append(f"{row.name}: what its silos compute is not known: a guarantee keeps it with them")
        elif not any(part.audio_seconds for exchange in row.exchanges for part in exchange):
            lines.append(f"{row.name}: trains no model together; what its centre computes is not timed")
    return lines


def _exchange_line(row: RecordedRow, workload: Workload, terms: Terms) -> str:
    every = "step" if workload.each_step else "block"
    line = f"{row.name}: {workload.topology}, {workload.up_bytes:,.0f} bytes a worker each {every}"
    densified = topology_of(row, terms) == RING and not is_dense(row, terms)
    return line + (f" (sparse blobs fill up on a ring: {dense_size(row, terms):,.0f})" if densified else "")


def _number(record: Record, key: str, path: Path) -> float | None:
    value = record.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UserError(f"{path}: '{key}' = {value!r}: must be a number above 0")
    return float(value)
