"""Payments: under a promise every answer of a silo was paid for by a release, or tells nothing of its speech."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from fedasr.verification.evidence import Row
from fedasr.verification.findings import Finding, Scribe

CHECK = "payments"
FREE = {
    "train.teacher": "its reply says how many utterances there are, which is public",
    "train.targets": "its reply says how many utterances there are, which is public",
    "query.silo": "its reply is the silo's number",
    "query.introduction": "its reply says how much speech there is, which is public",
    "query.agreement": "its reply says how much the smallest silo holds, which is public",
    "evaluate.own": "the simulator's own question, outside of all rounds",
}
"""Kinds of messages whose answers cost nothing, and why."""
PAID = {"train", "train.gradient", "query.label", "query.posterior", "query.candidate", "query.frame"}
"""Those that a release pays for, of each silo one answer."""
TO_A_TRUSTED_CENTRE = "query.speech"
"""Paid for where a promise says that the centre, which adds the noise, is trusted with speech: its unit is no silo."""
Message = tuple[tuple[str, Any], ...]


def check_payments(row: Row) -> Iterator[Finding]:
    """Look for the release, or the announced training, behind each answer of a row that promises something."""
    if row.record["epsilon"] is None:
        return
    scribe = Scribe(CHECK, row.folder.name("traffic.jsonl"))
    paid = _paid_by(row)
    announced = {line["key"] for line in row.folder.lines("releases/announced.jsonl")}
    up = [message for message in row.traffic if message["direction"] == "up"]
    for kind in sorted({message["kind"] for message in up}):
        answers = [message for message in up if message["kind"] == kind]
        if kind in FREE:
            yield scribe.holds(f"answers to {kind}", True, len(answers), FREE[kind])
        elif kind == TO_A_TRUSTED_CENTRE:
            yield scribe.holds(f"answers to {kind}", row.record["privacy_unit"] != "silo", len(answers), "unpaid")
        else:
            unpaid = [m for m in answers if f"round.{m['round']}" not in announced and not paid[_key(m)]]
            yield scribe.same(
                f"answers to {kind} that nothing paid for", len(unpaid) if kind in PAID else len(answers), 0
            )
    yield from _made_of(row, scribe)
    for line in row.folder.lines("unpaid.jsonl"):
        is_trusted = line["kind"] == TO_A_TRUSTED_CENTRE and row.record["privacy_unit"] != "silo"
        yield Scribe(CHECK, row.folder.name("unpaid.jsonl")).holds(line["kind"], is_trusted, "answered", "unpaid")


def _made_of(row: Row, scribe: Scribe) -> Iterator[Finding]:
    """What releases say that they were made of did travel, and no silo answered twice for one."""
    travelled = Counter(_key(message) for message in row.traffic)
    yield scribe.same("messages of releases that did not travel", sum((_paid_by(row) - travelled).values()), 0)
    for name in row.folder.names("seen/*.jsonl"):
        silos = Counter(m["silo"] for m in row.folder.lines(name) if m["direction"] == "up" and m["kind"] not in FREE)
        twice = [silo for silo, count in silos.items() if count > 1]
        yield Scribe(CHECK, row.folder.name(name)).same("silos that answered twice for one release", twice, [])


def _paid_by(row: Row) -> Counter[Message]:
    """Return the messages that stored releases were made of; only a release that is in the ledger pays."""
    known = {line["key"].rpartition(".")[0] for line in row.ledger}
    names = [n for n in row.folder.names("seen/*.jsonl") if n.removeprefix("seen/").removesuffix(".jsonl") in known]
    return Counter(_key(message) for name in names for message in row.folder.lines(name))


def _key(message: Mapping[str, Any]) -> Message:
    return tuple(sorted(message.items()))
