"""Is anyone left behind? Word error rate silo by silo, and speaker by speaker."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedasr.report.pictures.drawing.labels import name_rows, shortened
from fedasr.report.pictures.drawing.looks import Look, looks
from fedasr.report.pictures.drawing.style import FAINT, drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.groups import Group, groups, pooled_scores
from fedasr.report.words.units import count_text, listing, percent
from fedasr.runs.data import GREEDY, NEW_SPEAKERS, RowData, RunData, SpeakerScore

MOST_DOTS = 150
MOST_LETTERS = 54
"""Of the names of the worst."""


@dataclass(frozen=True)
class Strip:
    """One row's sorted error rates, best first, each with whose it is."""

    group: Group
    scores: list[tuple[str, float]]
    on: str


def silo_strips(data: RunData) -> list[Strip]:
    """Return each row's WER of its silos, pooled over seeds."""
    strips = []
    for group in groups(data):
        measured = [row.silo_scores for row in group.finished if row.silo_scores]
        scores = pooled_scores([one.silos for one in measured])
        if scores:
            strips.append(Strip(group, scores, measured[0].on))
    return strips


def speaker_strips(data: RunData) -> list[Strip]:
    """Return each row's WER of the test speakers, pooled over seeds."""
    pooled = ((group, pooled_scores([_greedy(row) for row in group.finished])) for group in groups(data))
    return [Strip(group, scores, "test") for group, scores in pooled if scores]


def silos_picture(data: RunData) -> list[Picture]:
    """Return the WER silo by silo, with its words."""
    strips = silo_strips(data)
    held = [strip.group.name for strip in strips if strip.on == "held out"]
    own = [strip.group.name for strip in strips if strip.on == "own speech"]
    test = [strip.group.name for strip in strips if strip.on == "test"]
    caption = "Is anyone left behind? A dot is a silo."
    if held:
        caption += (
            f" {listing(held)}: the final model, or each silo's own, on the speech that each silo holds out of its "
            "own: no row was trained on it."
        )
    if own:
        caption += (
            f" {listing(own)}: the final model on each silo's own speech, the very speech that rows across "
            "silos were trained on, so it flatters them."
        )
    if test:
        caption += f" {listing(test)}: each silo's own model on the speech of all test speakers."
    return framed("silos", "Silo by silo", caption, described(strips, "silo"), wer_by_silo(data), inside=True)


def speakers_picture(data: RunData) -> list[Picture]:
    """Return the WER speaker by speaker, with its words."""
    caption = "Word error rate of the final model on each test speaker, a dot each; it was trained on none of them."
    if any(row.wer_spread for row in data.rows):
        caption += " Where each silo has a model of its own, of all those models together."
    numbers = described(speaker_strips(data), "speaker")
    return framed("speakers", "Speaker by speaker", caption, numbers, wer_by_speaker(data), inside=True)


def wer_by_silo(data: RunData) -> Figure | None:
    """Draw the WER of every silo, row by row, and name the worst."""
    return _draw(data, silo_strips(data))


def wer_by_speaker(data: RunData) -> Figure | None:
    """Draw the WER of every test speaker, row by row, and name the worst."""
    return _draw(data, speaker_strips(data))


def _draw(data: RunData, strips: list[Strip]) -> Figure | None:
    if not strips:
        return None
    with drawing():
        figure = new_figure(0.75 + 0.44 * len(strips))
        axes = figure.add_subplot()
        look = looks(groups(data))
        for position, strip in enumerate(strips):
            _draw_strip(axes, strip, position, look[strip.group.name])
        name_rows(axes, [strip.group for strip in strips], look)
        axes.set_ylim(len(strips) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.margins(x=0.03)
        axes.set_xlabel("word error rate (%); the bar is the median")
    return figure


def _draw_strip(axes: Axes, strip: Strip, position: int, look: Look) -> None:
    """Draw a dot for each, neighbours one above the other; below them the worst by name."""
    values = [100 * wer for _, wer in strip.scores]
    heights = [position - 0.12 + 0.045 * (place % 5 - 2) for place in range(len(values))]
    axes.plot(
        values, heights, "o", markersize=4 if len(values) <= MOST_DOTS else 2.5, color=look.colour, alpha=0.55,
        markeredgewidth=0,
    )  # fmt: skip
    middle = median(values)
    axes.plot([middle] * 2, [position - 0.36, position + 0.12], color=look.ink, linewidth=1.6)
    axes.annotate(
        f"{middle:.0f}", (1.01, position - 0.12), xycoords=("axes fraction", "data"), va="center", fontsize=8,
        color=look.ink, annotation_clip=False,
    )  # fmt: skip
    axes.annotate(
        _worst_text(strip), (0.01, position + 0.29), xycoords=("axes fraction", "data"), va="center", fontsize=7.5,
        color=FAINT, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip


def _worst_text(strip: Strip) -> str:
    """Name as many of the worst as there is room for, in full or without their speakers."""
    worst = worst_of(strip)
    if not worst:
        return "all alike" if len(strip.scores) > 1 else shortened(strip.scores[0][0], MOST_LETTERS)
    full = [f"{name} {percent(wer, 0)}%" for name, wer in worst]
    short = [f"{shortened(name.split(' · ')[0], 22)} {percent(wer, 0)}%" for name, wer in worst]
    fitting = [short[:count] for count in range(len(short), 0, -1)]
    return next(f"worst: {text}" for names in (full, *fitting) if len(text := ", ".join(names)) <= MOST_LETTERS)


def worst_of(strip: Strip, most: int = 3) -> list[tuple[str, float]]:
    """Return the worst few, worst first; none where all are equally good."""
    if strip.scores[0][1] == strip.scores[-1][1]:
        return []
    return strip.scores[::-1][: min(most, len(strip.scores) - 1)]


def described(strips: list[Strip], noun: str) -> str:
    """Return in words what the figure shows, row by row."""
    sentences = []
    for strip in strips:
        values = [wer for _, wer in strip.scores]
        named = ", ".join(f"{name} {percent(wer)}%" for name, wer in worst_of(strip))
        sentences.append(
            f"{strip.group.name}: {count_text(len(values), noun)}, best {percent(values[0])}%, median "
            f"{percent(median(values))}%, worst {percent(values[-1])}%{f' ({named})' if named else ''}"
        )
    return "; ".join(sentences)


def _greedy(row: RowData) -> tuple[SpeakerScore, ...]:
    return tuple(score for score in row.speaker_scores if (score.of, score.decoding) == (NEW_SPEAKERS, GREEDY))
