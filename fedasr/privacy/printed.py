"""What ``python -m fedasr.privacy`` answers, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Context
from typing import Any

from rich.table import Table

Printed = list[Table | str]

SIX_DIGITS = Context(prec=6, rounding=ROUND_CEILING)


def pate_tables(answer: dict[str, Any]) -> Printed:
    """Return what votes cost; what depends on them is marked private."""
    facts = ("votes", "teachers", "classes", "adjacency", "conversion", "delta", "expected_answered")
    labels = {
        "data_independent": "data-independent: a guarantee",
        "data_dependent": "data-dependent: itself private, no guarantee",
        "sanitised": f"sanitised, with its release charged ({answer['sanitised_kind'] or 'none here'})",
    }
    told = [(name.replace("_", " ") + " (private)" * (name in answer["private"]), answer[name]) for name in facts]
    tables: Printed = [table("Votes", ("", ""), told), *_epsilons(answer, labels)]
    tables += [f"sanitised: {answer['sanitised_release']}"] if answer["sanitised_release"] else []
    for name, title in (("rdp", "Rényi divergence of the answers"), ("rdp_threshold", "of the checks")):
        rows = [(order, b["data_independent"], b["data_dependent"]) for order, b in answer.get(name, {}).items()]
        tables += [table(title, ("order", "data-independent", "data-dependent (private)"), rows)] if rows else []
    return tables


def mean_tables(answer: dict[str, Any]) -> Printed:
    """Return what noisy means cost, to whom."""
    labels = {"mean": "to who sees the mean alone", "each": "to who sees each teacher's noisy vector"}
    return [_facts("Noisy means", answer), *_epsilons(answer, labels)]


def dpsgd_tables(answer: dict[str, Any]) -> Printed:
    """Return what DP-SGD costs, by each accountant."""
    bounds = {
        "rdp": f"Rényi, {answer['rdp_conversion']}",
        "pld": "PLD",
        "exact": "exact (no sampling)",
    }
    rows = [
        (label, answer["epsilon"][name], "the guarantee" if name == answer["epsilon_bound"] else "")
        for name, label in bounds.items()
        if name in answer["epsilon"]
    ]
    missing = answer["pld_missing"]
    facts = {name: value for name, value in answer.items() if name not in ("pld_missing", "epsilon_bound")}
    return [_facts("DP-SGD", facts), table("ε", ("accountant", "ε", ""), rows), *([missing] if missing else [])]


def plan_tables(answer: dict[str, Any]) -> Printed:
    """Return what each mechanism needs and affords."""
    target, question = answer["target"], answer["question"]
    title = (
        f"ε = {target['epsilon']:g}, δ = {target['delta']:g}, unit {question['unit']}, {target['adjacency']}, "
        f"{question['silos']:,} silos, {target['conversion']}"
    )
    columns = ("mechanism", "asks", "releases", "noise", "affordable")
    plans = [{**made, "noise": rounded_up(made["noise"])} for made in answer["plans"]]
    rows = [[made[name] for name in columns] for made in plans]
    sentences = (f"{made['mechanism']}, {made['asks']}: {made['verdict']}" for made in answer["plans"])
    return [table(title, columns, rows), *sentences]


def rounded_up(noise: Any) -> Any:
    """Return noise in six digits that keep the promise if they are typed: never less than it was."""
    return float(SIX_DIGITS.create_decimal_from_float(noise)) if isinstance(noise, float) else noise


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    """Return a table with its numbers written out."""
    made = Table(*columns, title=title, title_justify="left")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def _epsilons(answer: dict[str, Any], labels: dict[str, str]) -> Printed:
    """Return each ε with the bound that it is, and below what it holds for."""
    epsilon, bounds = answer["epsilon"], answer["bound"]
    rows = [(label, epsilon[name], bounds[name] or "") for name, label in labels.items()]
    sentences = (f"{name.replace('_', '-')}: holds {words}" for name, words in answer["holds"].items() if words)
    return [table("ε", ("kind", "ε", "bound"), rows), *sentences]


def _facts(title: str, answer: dict[str, Any]) -> Table:
    rows = [(name.replace("_", " "), value) for name, value in answer.items() if isinstance(value, str | int | float)]
    return table(title, ("", ""), rows)


def _cell(value: Any) -> str:
    if value is None:
        return "not available"
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
