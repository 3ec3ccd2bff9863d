"""Simulated time of a round: what its silos computed and sent, on a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedasr.common.errors import UserError, nearest
from fedasr.network.devices import child, dropped
from fedasr.network.network import Network
from fedasr.network.topology import (
    ALL_TO_ALL,
    RING,
    SERVER,
    TOPOLOGIES,
    all_to_all_seconds,
    link_seconds,
    ring_seconds,
    shared_seconds,
)

SPEED, STRAGGLER, DROP_OUT = 0, 1, 2


@dataclass(frozen=True)
class SiloWork:
    """One silo's part of a round.

    Parameters
    ----------
    silo : int
    compute_seconds : float
        On a device of speed 1.
    up_bytes, down_bytes : float
    """

    silo: int
    compute_seconds: float
    up_bytes: float
    down_bytes: float


@dataclass(frozen=True)
class RoundTime:
    """How long a round took; ``total = compute + waiting + communication``.

    Attributes
    ----------
    total : float
    compute : float
        Of the silo that computes longest.
    waiting : float
        Synchronisation: ``wait_per_doubling · log2(N) · compute``.
    communication : float
        The rest: what the network adds.
    slowest_silo : int or None
        The last to finish.
    repeated : tuple of int
        The silos that dropped out and did their work again.
    """

    total: float
    compute: float
    waiting: float
    communication: float
    slowest_silo: int | None
    repeated: tuple[int, ...] = ()


def round_seconds(
    network: Network, round: int, work: Sequence[SiloWork], topology: str, seeds: np.random.SeedSequence
) -> RoundTime:
    """Return the time of one round; it depends on nothing but its arguments.

    With N silos, ``c_n = compute_seconds · slowdown_n / speed_n`` (twice that for a silo that drops
    out and begins again: the round holds its reply) and link times d_n down and u_n up:

    * server: the model reaches silo n at ``s_n = max(d_n, D)``, D being all downloads on the server's
      link and U all uploads; ``last = max(max_n(s_n + c_n + u_n), min_n(s_n + c_n) + U)``;
    * all-to-all and ring: ``last = max_n c_n + exchange``; down bytes are not sent among peers.

    ``total = last + wait_per_doubling · log2(N) · max_n c_n``.
    """
    if topology not in TOPOLOGIES:
        raise UserError(f"topology = {topology!r}: no such topology{nearest(topology, TOPOLOGIES)}")
    if not work:
        return RoundTime(0.0, 0.0, 0.0, 0.0, None)
    again = dropped(child(seeds, DROP_OUT, round), [w.silo for w in work], network.drop_out)
    compute = compute_seconds(network, round, work, again, seeds)
    last, slowest = _server(network, work, compute) if topology == SERVER else _peers(network, work, compute, topology)
    longest = max(compute)
    waiting = network.wait_per_doubling * float(np.log2(len(work))) * longest
    return RoundTime(last + waiting, longest, waiting, last - longest, slowest, tuple(sorted(again)))


def compute_seconds(
    network: Network, round: int, work: Sequence[SiloWork], again: set[int], seeds: np.random.SeedSequence
) -> list[float]:
    """Return each silo's seconds of compute on its own device."""
    silos = max(w.silo for w in work) + 1
    speeds = network.devices.speeds(child(seeds, SPEED), silos)
    factors = network.devices.slowdowns(child(seeds, STRAGGLER, round), silos) / speeds
    return [w.compute_seconds * float(factors[w.silo]) * (2 if w.silo in again else 1) for w in work]


def _server(network: Network, work: Sequence[SiloWork], compute: Sequence[float]) -> tuple[float, int]:
    link, server = network.link, network.server_link
    down, up = [w.down_bytes for w in work], [w.up_bytes for w in work]
    arrives = shared_seconds(server, sum(size > 0 for size in down), sum(down), "down")
    upload = shared_seconds(server, sum(size > 0 for size in up), sum(up), "up")
    ready = [
        max(link_seconds(link, size, "down"), arrives) + seconds for size, seconds in zip(down, compute, strict=True)
    ]
    done = [at + link_seconds(link, size, "up") for size, at in zip(up, ready, strict=True)]
    return max(max(done), min(ready) + upload), work[int(np.argmax(done))].silo


def _peers(network: Network, work: Sequence[SiloWork], compute: Sequence[float], topology: str) -> tuple[float, int]:
    sizes = [w.up_bytes for w in work]
    if topology == ALL_TO_ALL:
        seconds = all_to_all_seconds(network.link, sizes)
    else:
        assert topology == RING
        seconds = ring_seconds(network.link, len(work), max(sizes))
    return max(compute) + seconds, work[int(np.argmax(compute))].silo
