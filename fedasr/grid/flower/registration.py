"""Registration: which of Flower's nodes is which silo, and how much the nodes hold that have speech of their own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from flwr.app import ConfigRecord, Message, RecordDict
from flwr.serverapp import Grid

from fedasr.common.errors import RowError
from fedasr.messages.elsewhere.introduction import Holding, Introduction
from fedasr.messages.kinds import AGREEMENT, INTRODUCTION, SILO_NUMBER, Kind
from fedasr.messages.records import CONFIG, array_records, envelope_bytes, own_copy
from fedasr.messages.traffic import Traffic

SILO_RECORD = "fedasr.silo"
POLL_SECONDS = 0.5


def silo_record(silo: int, has_own: bool = False) -> RecordDict:
    """Return what answers `SILO_NUMBER`: which silo it is, and whether its node holds speech of its own."""
    return RecordDict({SILO_RECORD: ConfigRecord({"silo": silo, "has-own": has_own})})


@dataclass(frozen=True)
class Registered:
    """The nodes of a row.

    Parameters
    ----------
    nodes : mapping of int to int
        Flower's node id of each silo, in order.
    with_own : frozenset of int
        The silos whose nodes hold speech of their own.
    """

    nodes: Mapping[int, int]
    with_own: frozenset[int] = frozenset()


def find_silos(flower: Grid, silos: int, wait_seconds: float) -> Mapping[int, int]:
    """Return the node of each silo in order; see `register`."""
    return register(flower, silos, wait_seconds).nodes


def register(flower: Grid, silos: int, wait_seconds: float) -> Registered:
    """Ask nodes for their silo until each silo has one.

    Raises
    ------
    RowError
        Where silos are missing when the time is up.
    """
    deadline = time.monotonic() + wait_seconds
    known: dict[int, ConfigRecord] = {}
    while not set(range(silos)) <= (found := {_silo(record) for record in known.values()}):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise RowError(_missing(silos, found, wait_seconds))
        new = [node for node in flower.get_node_ids() if node not in known]
        known |= _ask(flower, new, remaining) if new else {}
        time.sleep(0 if new else POLL_SECONDS)
    nodes = {_silo(record): node for node, record in sorted(known.items(), reverse=True)}
    chosen = {silo: nodes[silo] for silo in range(silos)}
    return Registered(chosen, frozenset(silo for silo, node in chosen.items() if known[node].get("has-own")))


def introduce(
    flower: Grid, nodes: Mapping[int, int], introduction: Introduction, timeout: float
) -> tuple[tuple[int, ...], list[Traffic]]:
    """Introduce a row to nodes with speech of their own: return how many utterances each holds, and what travelled.

    Raises
    ------
    RowError
        Where a node cannot prepare its speech, or does not answer.
    """
    held, traffic = _told(flower, nodes, INTRODUCTION, introduction.to_record(), timeout)
    sizes = tuple(Holding.from_record(held[silo]).utterances for silo in nodes)
    agreement = RecordDict({CONFIG: ConfigRecord({"smallest": min(sizes)})})
    return sizes, traffic + _told(flower, nodes, AGREEMENT, agreement, timeout)[1]


def _told(
    flower: Grid, nodes: Mapping[int, int], kind: Kind, content: RecordDict, timeout: float
) -> tuple[dict[int, RecordDict], list[Traffic]]:
    """Send one content to all nodes and return what each replies."""
    silos = {node: silo for silo, node in nodes.items()}
    messages = [Message(own_copy(content), node, kind.name, group_id="0") for node in nodes.values()]
    traffic = [_travelled(silo, "down", kind, content) for silo in nodes]
    replies: dict[int, RecordDict] = {}
    for reply in flower.send_and_receive(messages, timeout=timeout):
        silo = silos[reply.metadata.src_node_id]
        if reply.has_error():
            raise RowError(f"the node of silo {silo}: {reply.error.reason}")
        replies[silo] = reply.content
        traffic.append(_travelled(silo, "up", kind, reply.content))
    if len(replies) < len(nodes):
        silo = min(set(nodes) - set(replies))
        raise RowError(f"the node of silo {silo} did not prepare its speech within {timeout:g} s; raise wait-seconds")
    return replies, sorted(traffic, key=lambda message: (message.direction, message.silo))


def _travelled(silo: int, direction: str, kind: Kind, content: RecordDict) -> Traffic:
    blobs = [array for record in array_records(content).values() for array in record.values()]
    return Traffic(0, silo, direction, kind.name, sum(len(array.data) for array in blobs), envelope_bytes(content))


def _ask(flower: Grid, nodes: Sequence[int], timeout: float) -> dict[int, ConfigRecord]:
    messages = [Message(RecordDict(), node, SILO_NUMBER.name, group_id="0") for node in nodes]
    answers = {}
    for reply in flower.send_and_receive(messages, timeout=timeout):
        if reply.has_error():
            raise RowError(f"node {reply.metadata.src_node_id}: {reply.error.reason}")
        answers[reply.metadata.src_node_id] = reply.content.config_records[SILO_RECORD]
    return answers


def _silo(record: ConfigRecord) -> int:
    return int(cast(int, record["silo"]))


def _missing(silos: int, found: set[int], wait_seconds: float) -> str:
    absent = sorted(set(range(silos)) - found)
    return (
        f"{len(absent)} of {silos} silos have no node after {wait_seconds:g} s (the first: {absent[0]}); "
        f"give the federation num-supernodes={silos}, or each SuperNode its own partition-id"
    )
