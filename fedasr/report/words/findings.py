"""The finding of a run in a few sentences."""

from __future__ import annotations

from fedasr.comparison.intervals import Interval
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.pairs import rate_text, standing
from fedasr.report.words.promises import promise_of, strategy_name
from fedasr.report.words.units import count_text, epsilon_text, listing, percent
from fedasr.report.words.whose import personalisation
from fedasr.runs.data import RunData

REFERENCES = ("centralised", "local-only", "public-only")
TRANSCRIPTS = "supervised"
"""The objective by which a reference is one."""


def findings(data: RunData) -> str:
    """Return what the comparison shows: the row with the lowest rate and whether it is better, the gap, what failed."""
    everyone = groups(data)
    scored = [(group, wer) for group in everyone if (wer := group.wer()) is not None]
    sentences = [_best(scored)] if scored else [_nothing(data)]
    if gap := _gap(scored):
        sentences.append(gap)
    if told := personalisation(everyone):
        sentences.append(told)
    if failed := [group.name for group in everyone if group.failures]:
        sentences.append(f"{count_text(len(failed), 'row')} failed, wholly or in part: {listing(failed)}.")
    return " ".join(sentences)


def is_reference(group: Group) -> bool:
    """Whether a row only shows what is possible by what was said.

    One that promises privacy competes, whatever its strategy, and so does one that learns from a teacher.
    """
    private = any(row.privacy_unit or row.epsilon is not None for row in group.rows)
    usual = all(row.objective in (None, TRANSCRIPTS) and not row.role for row in group.rows)
    return strategy_name(group.strategy) in REFERENCES and usual and not private


def carries_epsilon(data: RunData) -> bool:
    """Whether any row promises privacy."""
    return any(row.epsilon is not None or row.epsilon_kind is not None for row in data.rows)


def _nothing(data: RunData) -> str:
    if all(row.failed for row in data.rows):
        return "No row finished."
    return "No speakers were held out for testing, so no word error rate is given."


def _best(scored: list[tuple[Group, Interval]]) -> str:
    """Return the lowest rate, and what the paired intervals say of it; a winner is called by those alone."""
    group, wer = min(scored, key=lambda item: item[1].value)
    others = [other for other, _ in scored if other is not group]
    alike = [(found, rate) for found, rate in scored if rate.value == wer.value]
    if len(alike) > 1:
        return _all_lowest(alike, [other for other, _ in scored])
    told = standing(group, others) if others else ""
    verb = "Best" if told.startswith("paired") and "not told apart" not in told else "Lowest"
    text = f"{percent(wer.value)}% word errors ({rate_text(wer)}{_promised(group)})"
    return f"{verb} is {group.name} with {text}; {told}." if others else f"{group.name} makes {text}."


def _all_lowest(alike: list[tuple[Group, Interval]], everyone: list[Group]) -> str:
    """Return the rows that share the lowest rate, and what the paired intervals say of each."""
    names = [f"{group.name} ({rate_text(wer)}{_promised(group)})" for group, wer in alike]
    clauses = [
        standing(group, [other for other in everyone if other is not group], group.name) for group, _ in alike
    ]  # fmt: skip
    told = "; ".join(dict.fromkeys(clauses))
    return f"Lowest are {listing(names)}, each with {percent(alike[0][1].value)}% word errors; {told}."


def _promised(group: Group) -> str:
    """What must be said beside the result of a row that promises privacy."""
    promise = promise_of(group)
    if promise is None:
        return ""
    if not promise.holds:
        return ", without a guarantee of privacy"
    of_one = " for one model" if len(group.finished) > 1 else ""
    return f", ε = {epsilon_text(promise.epsilon)} per {promise.unit or 'unknown unit'}{of_one}"


def _gap(scored: list[tuple[Group, Interval]]) -> str | None:
    """How much of the way from public-only to centralised the best other row goes."""
    by_strategy = {strategy_name(one.strategy): (one.name, wer) for one, wer in reversed(scored) if is_reference(one)}
    rivals = [(group, wer) for group, wer in scored if not is_reference(group)]
    if not rivals or "public-only" not in by_strategy or "centralised" not in by_strategy:
        return None
    group, wer = min(rivals, key=lambda item: item[1].value)
    (low, worst), (high, best) = by_strategy["public-only"], by_strategy["centralised"]
    floor, ceiling = worst.value, best.value
    if floor <= ceiling:
        return f"There is no gap to close: {low} ({percent(floor)}%) is no worse than {high}."
    share = (floor - wer.value) / (floor - ceiling)
    if share < 0:
        told = f"{group.name} ({percent(wer.value)}%{_promised(group)})"
        return f"{told} makes more word errors than {low} ({percent(floor)}%)."
    return (
        f"{group.name} ({percent(wer.value)}%{_promised(group)}) closes {percent(share, 0)}% of the gap between "
        f"{low} ({percent(floor)}%) and {high} ({percent(ceiling)}%)."
    )
