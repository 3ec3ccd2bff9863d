"""The line of the summary: what it says of a row before, during and after its training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fedasr.engine.assembly import Assembly
from fedasr.messages.kinds import kind_of
from fedasr.messages.traffic import Traffic, bytes_moved
from fedasr.protection.releases import Releases
from fedasr.runs.data import RoundData
from fedasr.runs.row_summary import FAILED, RowSummary
from fedasr.server.protected.row_protection import protection_name
from fedasr.server.strategies_by_name import codec_of
from fedasr.wire.codecs_by_name import codec_name


def described(parts: Assembly) -> RowSummary:
    """Return the line of a row of which nothing is known but what it is."""
    row = parts.row
    return RowSummary(
        row.name, FAILED, row.strategy, parts.folder.path.name, parts.seed,
        objective=row.objective, protection=protection_name(row, parts.strategy),
        codec=codec_name(codec_of(row, parts.strategy)), network=row.network, role=row.role or None,
        silos=len(parts.prepared.partition.silos),
        silos_per_round=parts.training.silos_per_round or None, refused_replies=0, dropped_replies=0,
        recipe=parts.at_work.recipe(),
    )  # fmt: skip


def logged(rounds: Sequence[RoundData], messages: Sequence[Traffic]) -> dict[str, Any]:
    """Return what a row's logs add up to."""
    return {
        "uplink_bytes": bytes_moved(messages, "up"), "downlink_bytes": bytes_moved(messages, "down"),
        "rounds": max((line.round for line in rounds), default=0),
        "refused_replies": sum(len(line.refused) for line in rounds),
        "dropped_replies": sum(len(line.dropped) for line in rounds),
        "development_wer": _last([line.development_wer for line in rounds]),
        "development_loss": _last([line.development_loss for line in rounds]),
        "simulated_seconds": _sum([line.simulated_seconds for line in rounds]),
        "simulated_communication_seconds": _sum([line.simulated_communication_seconds for line in rounds]),
        "training_cpu_seconds": _sum([line.training_cpu_seconds for line in rounds]),
        "utterances": _known([line.utterances for line in rounds]),
        "public_utterances": _known([line.public_utterances for line in rounds]),
    }  # fmt: skip


def private_speech(parts: Assembly, messages: Sequence[Traffic], finished: bool) -> bool | None:
    """Return whether the silos' speech had a part in a row's model; None where nobody can tell.

    Of a row that failed the messages of its last round were not written down; what it begins from tells itself what it
    has heard (`fedasr.engine.stages.origin`).
    """
    heard = any(message.direction == "up" and not kind_of(message.kind).is_free for message in messages)
    behind = parts.releases.inherited.speech
    if heard or behind == "private":
        return True
    return False if finished and behind not in ("unknown", None) else None


def promise(releases: Releases) -> dict[str, Any]:
    """Return what a row's guarantee is: nothing where nothing is promised, a note where a promise was broken."""
    found = releases.account()
    if found is None or (found.kind is None and not found.broken):
        return {}
    if found.broken:
        return {"note": found.broken}
    if found.epsilon_if_secure is None:
        return {}
    return {
        "epsilon": found.epsilon, "epsilon_spent": found.epsilon_spent, "epsilon_bound": found.bound,
        "epsilon_if_secure": None if found.epsilon is not None else found.epsilon_if_secure,
        "delta": found.promise.delta, "privacy_unit": found.promise.unit, "adjacency": found.promise.adjacency,
        "epsilon_kind": found.kind, "trust": releases.trust.text,
    }  # fmt: skip


def descent(parts: Assembly) -> dict[str, Any]:
    """Return which rows a row begins from, what its model has heard and had spent before it began."""
    inherited, before = parts.releases.inherited, parts.releases.epsilon_before()
    notes = [_beginning(parts, before), promise(parts.releases).get("note") or inherited.told]
    found = {"start_speech": inherited.speech, "epsilon_before": before, "note": "; ".join(filter(None, notes))}
    return {**found, "lineage": parts.ancestry.names} if parts.ancestry is not None else found


def _beginning(parts: Assembly, before: float | None) -> str:
    """Return in words which row's model a row begins from; empty where it is the experiment's start."""
    if parts.ancestry is None:
        return ""
    debt = "" if before is None else f", which has spent epsilon = {before:.3g}"
    which = "last iterate of {}, to which its silos' states belong" if _goes_on(parts) else "model of {}"
    return f"begins from the {which.format(parts.ancestry.names[-1])}{debt}"


def _goes_on(parts: Assembly) -> bool:
    return parts.ancestry is not None and parts.ancestry.begins_from_last(parts.keeps_codec)


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def _known(values: Sequence[float | None]) -> float | None:
    """Return the sum, None where a part of it is not known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _sum(values: Sequence[float | None]) -> float:
    return sum(value or 0.0 for value in values)
