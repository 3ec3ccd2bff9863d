"""Plans: what was released is within what was promised before the first answer, and that is what was asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fedasr.verification.checks.promises.epsilons import merged
from fedasr.verification.costs import Releases, charged, costs_of
from fedasr.verification.evidence import Row, RunEvidence
from fedasr.verification.findings import OF_A_SUM, Finding, Scribe

CHECK = "plan"
NOISE_KEYS = {"noise", "noise_multiplier"}


def check_plans(row: Row) -> Iterator[Finding]:
    """Count what the ledger holds against the promise; what a crash made again may come on top, and is promised too."""
    if row.privacy is None or "promise" not in row.privacy or row.privacy["broken"]:
        return
    scribe, promise = Scribe(CHECK, row.folder.name("privacy.json")), row.privacy["promise"]
    planned = [(line["mechanism"], line["count"]) for line in promise["planned"]]
    counts = merged([(charged(line), line["count"]) for line in row.ledger])
    beyond = [
        (mechanism, count - _count(planned, mechanism))
        for mechanism, count in counts if count > _count(planned, mechanism)
    ]  # fmt: skip
    replace_one = promise["adjacency"] == "replace-one"
    allowances = [(one, count) for one, count in planned if one["kind"].endswith("-budget")]
    told = ", ".join(f"{count} × {mechanism['kind']}" for mechanism, count in counts)
    fits = not beyond or any(_pays(one, count, beyond, replace_one) for one, count in allowances)
    yield scribe.holds("releases within what was planned before the first", fits, planned_text(planned), told)


def planned_text(planned: Releases) -> str:
    """Return a plan in words."""
    return ", ".join(f"{count} × {mechanism['kind']}" for mechanism, count in planned) or "nothing"


def check_targets(run: RunEvidence) -> Iterator[Finding]:
    """No row promises less than was asked for: its ε is at most the target, its δ the target's."""
    asked = {row["name"]: row for row in run.experiment["compare"]}
    for row in run.rows:
        options: dict[str, Any] = {}
        for key in ("options", "protection_options"):
            options |= asked.get(row.record["name"], {}).get(key, {})
        if row.record["epsilon"] is None or row.behind or NOISE_KEYS & {k for k, v in options.items() if v}:
            continue
        scribe = Scribe(CHECK, row.folder.name("row.jsonl"))
        if "epsilon" in options:
            yield scribe.within(
                "epsilon beside its target", row.record["epsilon"], 0.0, options["epsilon"] * (1 + 1e-9)
            )
        if "delta" in options:
            yield scribe.same("delta beside its target", row.record["delta"], options["delta"], OF_A_SUM)


def _count(planned: Releases, mechanism: Mapping[str, Any]) -> int:
    return sum(count for known, count in planned if known == mechanism)


def _pays(allowance: Mapping[str, Any], times: int, counts: Sequence[tuple[Any, int]], replace_one: bool) -> bool:
    """Return whether an allowance pays for all: in squares of μ, in pure ε, or in divergence at its order."""
    parts = [(cost, count) for mechanism, count in counts for cost in costs_of(mechanism, replace_one)]
    match allowance["kind"]:
        case "gaussian-budget":
            limit, spent = allowance["mu"] ** 2, [count * _or_infinite(cost.mu) ** 2 for cost, count in parts]
        case "pure-budget":
            limit, spent = allowance["epsilon"], [count * cost.pure for cost, count in parts]
        case _:
            order, limit = allowance["order"], allowance["divergence"]
            spent = [
                count * (order * cost.mu**2 / 2 if cost.mu is not None else min(cost.pure**2 * order / 2, cost.pure))
                for cost, count in parts
            ]  # fmt: skip
    return bool(math.fsum(spent) <= times * limit * (1 + OF_A_SUM))


def _or_infinite(mu: float | None) -> float:
    return math.inf if mu is None else mu
