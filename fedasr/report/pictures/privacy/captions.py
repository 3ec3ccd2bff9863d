"""The pictures of what privacy costs: each panel's figure with its words."""

from __future__ import annotations

import re

from fedasr.report.pictures.picture import Picture
from fedasr.report.pictures.privacy.figure import wer_by_epsilon
from fedasr.report.pictures.privacy.panels import LARGEST_EPSILON, Point, PrivacyPanel, axis_label, panels
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.promises import strategy_name
from fedasr.report.words.starts import heard_beside_public
from fedasr.report.words.units import epsilon_text, listing, percent
from fedasr.runs.data import RunData

_KINDS = {
    "accountant": "by the accountant",
    "data-independent": "the data-independent bound",
    "sanitised": "a sanitised data-dependent bound, its upper confidence end",
    None: "of a kind that was not told",
}


def privacy_pictures(data: RunData) -> list[Picture]:
    """Return word error rates against ε, one picture for each unit and adjacency; none mixes two.

    Single points are no curve: the table says as much.
    """
    found = [panel for panel in panels(data) if any(len(family.points) > 1 for family in panel.families)]
    return [_picture(data, panel, sum(other.unit == panel.unit for other in found) > 1) for panel in found]


def _picture(data: RunData, panel: PrivacyPanel, shared_unit: bool) -> Picture:
    names = [panel.unit or "unknown", *([panel.adjacency or "unknown"] if shared_unit else [])]
    key = "-".join(re.sub(r"\W+", "-", name) for name in ("privacy", *names))
    title = f"What privacy costs, per {', '.join(names)}"
    numbers = "; ".join(_number(point) for point in panel.points)
    return Picture(key, title, _caption(data, panel), numbers, wer_by_epsilon(data, panel))


def _caption(data: RunData, panel: PrivacyPanel) -> str:
    text = (
        f"Test word error rate (with its 95% interval) against {axis_label(panel)}, on a logarithmic axis; lower left "
        f"is better. {_kinds(panel)}"
    )
    if any(len(family.points) > 1 for family in panel.families):
        text += " A line joins rows of one strategy and mechanism whose names differ in a number alone."
    if len(panel.families) > 1:
        text += " Points at about one ε stand side by side, the first of them in its place, the others to its right."
    text += f"{_flat(panel)}{_deltas(panel)}{_void(panel)}{_beyond(panel)}"
    if any(len(group.finished) > 1 for group in groups(data)):
        text += " Of several seeds: the mean WER, and the largest ε of one of them."
    return (
        f"{text} Each ε is that of one model; what all promise together stands under Privacy. An ε of another unit or "
        "adjacency is another promise and cannot be set beside these."
    )


def _kinds(panel: PrivacyPanel) -> str:
    """Which of the ε are of which kind, void ones aside."""
    by_kind: dict[str | None, list[str]] = {}
    for family in (family for family in panel.families if not family.points[0].void):
        for kind in dict.fromkeys(point.promise.kind for point in family.points):
            by_kind.setdefault(kind, []).append(family.name)
    parts = [f"{_KINDS[kind]} ({listing(names)})" for kind, names in by_kind.items()]
    return f"ε is {listing(parts)}." if parts else ""


def _flat(panel: PrivacyPanel) -> str:
    parts = [f"{group.name} {_said(group)}" for group in panel.flat]
    return f" Dashed: {listing(parts)}." if parts else ""


def _said(group: Group) -> str:
    is_pooled = strategy_name(group.strategy) == "centralised"
    return "pooled it without any privacy" if is_pooled else heard_beside_public(group)


def _deltas(panel: PrivacyPanel) -> str:
    by_delta: dict[str, list[str]] = {}
    for point in panel.points:
        delta = "unknown" if point.promise.delta is None else epsilon_text(point.promise.delta)
        by_delta.setdefault(delta, []).append(point.group.name)
    if len(by_delta) < 2:
        return ""
    return f" δ is not the same for all: {'; '.join(f'{delta} for {listing(n)}' for delta, n in by_delta.items())}."


def _void(panel: PrivacyPanel) -> str:
    names = [point.group.name for point in panel.points if point.void]
    if not names:
        return ""
    return (
        f" Hollow: void, no guarantee ({listing(names)}); the noise can be drawn again or the sampling was not the one "
        "accounted for, and the ε is what would otherwise hold."
    )


def _beyond(panel: PrivacyPanel) -> str:
    names = [f"{p.group.name} ({epsilon_text(p.promise.epsilon)})" for p in panel.points if p.beyond]
    if not names:
        return ""
    return (
        f" At the right edge, pointing right: ε above {LARGEST_EPSILON:,.0f}, as good as no promise: {listing(names)}."
    )


def _number(point: Point) -> str:
    void = ", void" if point.void else f", {point.promise.kind}" if point.promise.kind else ""
    return f"{point.group.name} {percent(point.wer)}% at ε {epsilon_text(point.promise.epsilon)}{void}"
