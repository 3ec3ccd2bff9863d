"""Whose speech was scored, in words: own speakers, and who is left behind."""

from __future__ import annotations

from fedasr.report.words.covered import ends_of
from fedasr.report.words.groups import Group, paired
from fedasr.report.words.pairs import ratio_text
from fedasr.report.words.promises import promise_of, strategy_name
from fedasr.report.words.units import count_text, listing, percent
from fedasr.runs.data import LEFT_BEHIND, OWN_SPEAKERS, RunData

_NAMED = 12
APART = ("centralised", "public-only")
"""Strategies of which no silo gets a model of its own, and none is what silos share."""


def is_withheld(group: Group) -> bool:
    """Whether a row's errors on own speakers are left out of a release: no ε pays for a look at them."""
    return promise_of(group) is not None or any(row.epsilon_before is not None for row in group.rows)


def left_behind(data: RunData, release: bool = False) -> str:
    """Return who is left behind, and why those; empty where nobody was ranked."""
    ranked = [found for found in data.left_behind if found.silos]
    if not ranked:
        return ""
    first, alike = ranked[0], len({found.silos for found in ranked}) == 1
    each = "draw" if any(row.draw is not None for row in data.rows) else "seed"
    which = f" ({_numbers(first.silos)})" if alike and not release else "" if alike else f" (others for each {each})"
    return (
        f"Left behind: {len(first.silos)} of {count_text(first.ranked, 'silo')}{which}, the tenth that the start "
        f"serves worst by its errors on up to {first.utterances} of the utterances that each trains on; the same in "
        "every row."
    )


def left_behind_rates(groups: list[Group]) -> str:
    """Return what the rows do on what those hold out who are left behind; empty where nothing was scored."""
    found = [(group.name, rate) for group in groups if (rate := group.rate(LEFT_BEHIND)) is not None]
    told = [f"{name} {percent(rate.value)}" + (f" ({ends})" if (ends := ends_of(rate)) else "") for name, rate in found]
    return f"WER % of those left behind: {', '.join(told)}" if told else ""


def personalisation(everyone: list[Group]) -> str | None:
    """Return whether silos' own models serve own speakers better than one that all share; None without both.

    The best of each kind are set beside each other; rows that carry an ε are left out.
    """
    seen = [one for one in everyone if not is_withheld(one) and strategy_name(one.strategy) not in APART]
    scored = [(group, rate.value) for group in seen if (rate := group.rate(OWN_SPEAKERS)) is not None]
    kinds = ([one for one in scored if _is_personal(one[0]) == own] for own in (True, False))
    personal, shared = (min(kind, key=lambda one: one[1], default=None) for kind in kinds)
    if personal is None or shared is None:
        return None
    found = paired(personal[0], shared[0], OWN_SPEAKERS)
    if found is None:
        return None
    verdict = f"is {'better' if found.value < 1 else 'worse'}" if found.is_decided else "is not told apart"
    own, common = (f"{group.name} ({percent(value)}%)" for group, value in (personal, shared))
    return (
        f"On own speakers the best of silos' own models, {own}, {verdict} {'than' if found.is_decided else 'from'} "
        f"{common}, the best that silos share: {ratio_text(found)} times its word errors, paired."
    )


def _is_personal(group: Group) -> bool:
    return any(row.wer_spread for row in group.finished)


def _numbers(silos: tuple[int, ...]) -> str:
    more = [f"{len(silos) - _NAMED} more"] if len(silos) > _NAMED else []
    return listing([*map(str, silos[:_NAMED]), *more])
