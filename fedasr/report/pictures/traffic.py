"""Where the bytes of each row went: up or down, in which kind of message, content or envelope."""

from __future__ import annotations

from colorsys import hsv_to_rgb
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fedasr.report.pictures.drawing.labels import name_rows
from fedasr.report.pictures.drawing.style import FAINT, INK, drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.findings import is_reference
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.units import bytes_text, listing
from fedasr.runs.data import RunData

EVEN = 0.1
"""Up and down count as even within this distance from one half."""
VISIBLE_ENVELOPE = 0.01
_HUES = ("#2f5d8a", "#a3562b", "#3f7355", "#74508f", "#8a7a1f", "#a23b5e", "#2b8080", "#5d5d5d")
_LIGHT = 0.62
"""How far the colour of what goes down is from that of what goes up, towards white."""
_OTHER = "#d5d9de"
_WRAPPING = "envelopes"
_ARROWS = {"up": "▲", "down": "▼"}


@dataclass(frozen=True)
class Portion:
    """Some of a row's bytes; ``kind`` None means envelopes."""

    direction: str
    kind: str | None
    bytes: float


def parts_of(group: Group) -> list[Portion]:
    """Return all bytes of a group by direction and kind, the mean over its seeds; envelopes by direction last."""
    rows = [row for row in group.finished if row.traffic]
    content: dict[tuple[str, str], float] = {}
    envelopes: dict[str, float] = {}
    for total in (total for row in rows for total in row.traffic):
        key = (total.direction, total.kind)
        content[key] = content.get(key, 0.0) + total.blob_bytes / len(rows)
        envelopes[total.direction] = envelopes.get(total.direction, 0.0) + total.envelope_bytes / len(rows)
    order = sorted(content, key=lambda key: (key[0] != "up", key))
    ways = sorted(envelopes, reverse=True)
    return [*(Portion(*key, content[key]) for key in order), *(Portion(way, None, envelopes[way]) for way in ways)]


def shown(data: RunData) -> dict[str, list[Portion]]:
    """Return the parts of each row that sent anything; none where all of it is one even exchange of one kind.

    Then the totals up and down, which another figure shows, say it all. References do not count for that.
    """
    everyone = {group.name: parts_of(group) for group in groups(data)}
    parts = {name: row for name, row in everyone.items() if sum(part.bytes for part in row) > 0}
    own = [parts[group.name] for group in groups(data) if group.name in parts and not is_reference(group)]
    kinds = {part.kind for row in own for part in row if part.kind is not None}
    return parts if len(kinds) > 1 or any(_telling(row) for row in own) else {}


def _telling(parts: list[Portion]) -> bool:
    total = sum(part.bytes for part in parts)
    up = sum(part.bytes for part in parts if part.direction == "up") / total
    return abs(up - 0.5) > EVEN or envelope_bytes(parts) / total >= VISIBLE_ENVELOPE


def envelope_bytes(parts: list[Portion]) -> float:
    """Return the bytes that wrap the content."""
    return sum(part.bytes for part in parts if part.kind is None)


def by_direction(parts: list[Portion]) -> dict[str, float]:
    """Return the bytes up and down, envelopes among them."""
    ways = sorted({part.direction for part in parts}, reverse=True)
    return {way: sum(part.bytes for part in parts if part.direction == way) for way in ways}


def traffic_picture(data: RunData) -> list[Picture]:
    """Return where the bytes went, with its words."""
    caption = (
        "How each row's bytes divide over directions (▲ up, from silos; ▼ down, to silos) and kinds of message, as "
        "encoded; at the right what went up and what went down, and the envelopes in it, which wrap the messages; "
        "rows that sent nothing are left out."
    )
    numbers = (
        f"{name}: {listing([f'{bytes_text(p.bytes)} {p.direction} {p.kind or _WRAPPING}' for p in parts])}"
        for name, parts in shown(data).items()
    )
    return framed("traffic", "Where the bytes went", caption, "; ".join(numbers), where_bytes_went(data))


def where_bytes_went(data: RunData) -> Figure | None:
    """Draw each row's bytes as one bar of shares, with the total and the envelopes' part of it beside."""
    parts = shown(data)
    if not parts:
        return None
    everyone = [group for group in groups(data) if group.name in parts]
    kinds = sorted({part.kind for row in parts.values() for part in row if part.kind is not None})
    with drawing():
        figure = new_figure(1.05 + 0.2 * len(kinds) + 0.42 * len(everyone))
        axes = figure.add_subplot()
        used: dict[tuple[str, str | None], Patch] = {}
        for position, group in enumerate(everyone):
            _bar(axes, position, parts[group.name], kinds, used)
        name_rows(axes, everyone, {})  # a colour here is a kind of message, never a row
        axes.set_xlim(0, 100)
        axes.set_xlabel("share of the row's bytes (%)")
        _legend(figure, kinds, used)
    return figure


def _legend(figure: Figure, kinds: list[str], used: dict[tuple[str, str | None], Patch]) -> None:
    """A column for each direction and a line for each kind; blanks keep the lines level."""
    blank = Patch(alpha=0, label=" ")
    columns = [[used.get((way, kind), blank) for kind in kinds] for way in sorted({way for way, k in used if k})[::-1]]
    if envelopes := used.get(("", None)):
        columns.append([envelopes] + [blank] * (len(kinds) - 1))
    handles = [patch for column in columns for patch in column]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(columns), frameon=False, fontsize=8.5)


def _bar(
    axes: Axes, position: int, parts: list[Portion], kinds: list[str], used: dict[tuple[str, str | None], Patch]
) -> None:
    total, left = sum(part.bytes for part in parts), 0.0
    for part in parts:
        width = 100 * part.bytes / total
        colour = _colour(part, kinds)
        axes.barh(position, width, 0.56, left, color=colour, edgecolor="white", linewidth=0.5)
        name = f"{_ARROWS.get(part.direction, part.direction)} {part.kind}" if part.kind else _WRAPPING
        key = (part.direction if part.kind else "", part.kind)
        if part.kind or part.bytes >= VISIBLE_ENVELOPE * total:
            used.setdefault(key, Patch(facecolor=colour, label=name))
        if part.kind and width >= 14:
            ink = "white" if part.direction == "up" else INK
            axes.annotate(
                bytes_text(part.bytes), (left + width / 2, position), ha="center", va="center", color=ink, fontsize=8
            )
        left += width
    ways = "  ".join(f"{_ARROWS.get(way, way)} {bytes_text(size)}" for way, size in by_direction(parts).items() if size)
    words = f"{ways}\nenvelopes {bytes_text(envelope_bytes(parts))}"
    axes.annotate(
        words, (100, position), (6, 0), textcoords="offset points", va="center", fontsize=8, color=FAINT,
        annotation_clip=False,
    )  # fmt: skip


def _colour(part: Portion, kinds: list[str]) -> str:
    if part.kind is None:
        return _OTHER
    hue = kind_colours(kinds)[part.kind]
    return hue if part.direction == "up" else _lighter(hue)


def _lighter(hue: str) -> str:
    red, green, blue = (channel + (1 - channel) * _LIGHT for channel in to_rgb(hue))
    return to_hex((red, green, blue))


def kind_colours(kinds: list[str]) -> dict[str, str]:
    """Return a colour for each kind of message, no two alike."""
    more = [to_hex(hsv_to_rgb(place * 0.381966 % 1, 0.55, 0.35)) for place in range(len(kinds) - len(_HUES))]
    return dict(zip(kinds, (*_HUES, *more), strict=False))
