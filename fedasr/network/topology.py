"""Who sends what to whom: bytes, messages and seconds of one exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedasr.common.errors import UserError, nearest
from fedasr.network.link import Link

SERVER, ALL_TO_ALL, RING = "server", "all-to-all", "ring"
TOPOLOGIES = (SERVER, ALL_TO_ALL, RING)


@dataclass(frozen=True)
class ExchangeCost:
    """What one exchange among N alike workers costs.

    Attributes
    ----------
    up_bytes, down_bytes : float
        Sent and received by each worker.
    messages : int
        In all.
    seconds : float
    """

    up_bytes: float
    down_bytes: float
    messages: int
    seconds: float


def exchange(
    topology: str, workers: int, up_bytes: float, down_bytes: float, link: Link | None,
    server_link: Link | None = None,
) -> ExchangeCost:  # fmt: skip
    """Return the cost of one exchange in which each worker has `up_bytes` to say and is told `down_bytes`.

    ===========  ====================  ====================  ==========  ====================================
    topology     sent by each          received by each      messages    seconds
    ===========  ====================  ====================  ==========  ====================================
    server       up                    down                  2N          max(client up, N·up at the server)
                                                                         and the same down, one after another
    all-to-all   (N−1)·up              (N−1)·up              N(N−1)      the slower direction of a link
    ring         2(N−1)/N·up           2(N−1)/N·up           2N(N−1)     2(N−1) steps of up/N, a latency each
    ===========  ====================  ====================  ==========  ====================================

    Among peers nothing comes from a server, and `down_bytes` is not used. A ring adds partial sums up
    on their way: `up_bytes` must be the dense size, for sums of sparse blobs fill up.
    """
    if workers < 1:
        raise UserError(f"workers = {workers}: must be at least 1")
    others = workers - 1
    if topology == SERVER:
        seconds = sum(
            max(link_seconds(link, size, way), shared_seconds(server_link, workers, workers * size, way))
            for size, way in ((up_bytes, "up"), (down_bytes, "down"))
        )
        return ExchangeCost(up_bytes, down_bytes, 2 * workers, seconds)
    if topology == ALL_TO_ALL:
        seconds = _peer_seconds(link, others * up_bytes, others * up_bytes, others)
        return ExchangeCost(others * up_bytes, others * up_bytes, workers * others, seconds)
    if topology == RING:
        share = 2 * others / workers * up_bytes
        return ExchangeCost(share, share, 2 * workers * others, ring_seconds(link, workers, up_bytes))
    raise UserError(f"topology = {topology!r}: no such topology{nearest(topology, TOPOLOGIES)}")


def link_seconds(link: Link | None, bytes: float, direction: str) -> float:
    """Return the time of one silo's message; none where there is no link."""
    return 0.0 if link is None else link.seconds(bytes, "up" if direction == "up" else "down")


def shared_seconds(server_link: Link | None, messages: int, bytes: float, direction: str) -> float:
    """Return the time that all silos' messages of one way need on the server's own link."""
    if server_link is None:
        return 0.0
    return server_link.seconds(bytes, "down" if direction == "up" else "up", messages)


def all_to_all_seconds(link: Link | None, sizes: Sequence[float]) -> float:
    """Return the time until every worker has sent its blob to all others and has all of theirs."""
    total, others = sum(sizes), len(sizes) - 1
    return max((_peer_seconds(link, others * size, total - size, others) for size in sizes), default=0.0)


def ring_seconds(link: Link | None, workers: int, bytes: float) -> float:
    """Return the time of a ring all-reduce of a dense vector: reduce-scatter, then all-gather."""
    step = _peer_seconds(link, bytes / workers, bytes / workers, 1)
    return 2 * (workers - 1) * step


def _peer_seconds(link: Link | None, sent: float, received: float, messages: int) -> float:
    if link is None:
        return 0.0
    return max(link.seconds(sent, "up", messages), link.seconds(received, "down", messages))
