"""Bytes and times: every total of a row from the messages and the rounds that it is made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fedasr.verification.evidence import Row
from fedasr.verification.findings import OF_A_SUM, Finding, Scribe

CHECK = "bytes"
Message = Mapping[str, Any]
DIRECTIONS = (("up", "uplink_bytes"), ("down", "downlink_bytes"))
SUMMED = ("simulated_seconds", "simulated_communication_seconds", "training_cpu_seconds")


def check_sums(row: Row) -> Iterator[Finding]:
    """Add up the messages, over all and round by round, and what rounds say of their time."""
    total, rounds = Scribe(CHECK, row.folder.name("row.jsonl")), row.folder.lines("metrics.jsonl")
    in_round = Scribe(CHECK, row.folder.name("metrics.jsonl"))
    messages = _by_line(row.traffic, [line["round"] for line in rounds])
    for direction, key in DIRECTIONS:
        yield total.same(key, row.record[key], _bytes(row.traffic, direction))
        for line in rounds:
            yield in_round.same(
                f"{key} of round {line['round']}", line[key], _bytes(messages[line["round"]], direction)
            )
    yield in_round.same("messages of rounds that it does not tell of", 0, len(messages[math.inf]))
    yield total.same("rounds", row.record["rounds"], max((line["round"] for line in rounds), default=0))
    yield total.same("refused_replies", row.record["refused_replies"], sum(len(line["refused"]) for line in rounds))
    dropped = sum(len(line.get("dropped", ())) for line in rounds)
    yield total.same("dropped_replies", row.record.get("dropped_replies") or 0, dropped)
    for key in SUMMED:
        yield total.same(key, row.record[key], sum(line[key] or 0.0 for line in rounds), OF_A_SUM)


def _by_line(traffic: Sequence[Message], rounds: Sequence[int]) -> dict[float, list[Message]]:
    """Return the messages of each line: what travelled in a round without one is reported with the next."""
    found: dict[float, list[Message]] = {math.inf: [], **{number: [] for number in rounds}}
    for message in traffic:
        found[min((number for number in rounds if number >= message["round"]), default=math.inf)].append(message)
    return found


def _bytes(messages: Sequence[Message], direction: str) -> int:
    return sum(m["blob_bytes"] + m["envelope_bytes"] for m in messages if m["direction"] == direction)
