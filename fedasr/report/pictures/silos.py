"""Is anyone left behind? Word error rate silo by silo, and speaker by speaker."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from fedasr.report.pictures.drawing.labels import shortened
from fedasr.report.pictures.drawing.looks import Look, looks
from fedasr.report.pictures.drawing.style import FAINT, INK, drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.groups import Group, groups, pooled_scores
from fedasr.report.words.units import count_text, listing, percent
from fedasr.runs.data import GREEDY, NEW_SPEAKERS, RowData, RunData, SpeakerScore

MOST_DOTS = 150


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
    caption = "Is anyone left behind?"
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
    caption = "Word error rate of the final model on each test speaker, none of whom it was trained on."
    numbers = described(speaker_strips(data), "speaker")
    return framed("speakers", "Speaker by speaker", caption, numbers, wer_by_speaker(data), inside=True)


def wer_by_silo(data: RunData) -> Figure | None:
    """Draw the WER of every silo, sorted, row by row, and name the worst."""
    return _draw(data, silo_strips(data), "silos")


def wer_by_speaker(data: RunData) -> Figure | None:
    """Draw the WER of every test speaker, sorted, row by row, and name the worst."""
    return _draw(data, speaker_strips(data), "test speakers")


def _draw(data: RunData, strips: list[Strip], whose: str) -> Figure | None:
    if not strips:
        return None
    with drawing():
        figure = new_figure(0.35 + 1.15 * len(strips))
        look = looks(groups(data))
        panels = figure.subplots(len(strips), 1, sharey=True, squeeze=False)[:, 0]
        highest = max(strip.scores[-1][1] for strip in strips)
        for axes, strip in zip(panels, strips, strict=True):
            _draw_strip(axes, strip, look[strip.group.name])
            axes.set_ylim(0, max(100 * highest, 1) * 1.3)
        if len({len(strip.scores) for strip in strips}) == 1:
            for axes in panels[:-1]:
                axes.tick_params(axis="x", labelbottom=False)
        panels[-1].set_xlabel(f"{whose}, from best to worst")
        figure.supylabel("word error rate (%)", fontsize=9)
    return figure


def _draw_strip(axes: Axes, strip: Strip, look: Look) -> None:
    values = [100 * wer for _, wer in strip.scores]
    places = list(range(1, len(values) + 1))
    if len(values) <= MOST_DOTS:
        axes.vlines(places, 0, values, color=look.colour, linewidth=0.7, alpha=0.35)
        axes.plot(places, values, "o", markersize=3, color=look.colour)
    else:
        axes.fill_between(places, values, step="mid", color=look.colour, alpha=0.25, linewidth=0)
        axes.step(places, values, where="mid", color=look.colour, linewidth=1.2)
    middle = median(values)
    axes.axhline(middle, color=FAINT, linewidth=0.8, dashes=(3, 2))
    axes.annotate(
        f"median {middle:.0f}",
        (1.01, middle),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8,
        color=FAINT,
        annotation_clip=False,
    )
    axes.set_xlim(0.3, len(values) + 0.7)
    axes.xaxis.set_major_locator(FixedLocator(places) if len(places) < 9 else MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.grid(axis="y")
    _title(axes, strip, look)


def _title(axes: Axes, strip: Strip, look: Look) -> None:
    axes.set_title(shortened(strip.group.name), loc="left", color=look.ink, fontsize=9)
    axes.annotate(
        _worst_text(strip),
        (0, 1),
        (3, -1),
        xycoords="axes fraction",
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
    )


def _worst_text(strip: Strip) -> str:
    """Name the worst, without their speakers where that would not fit."""
    worst = worst_of(strip)
    if not worst:
        return "all alike" if len(strip.scores) > 1 else strip.scores[0][0]
    texts = [f"{name} {percent(wer, 0)}%" for name, wer in worst]
    if sum(map(len, texts)) > 54:
        texts = [f"{shortened(name.split(' · ')[0], 16)} {percent(wer, 0)}%" for name, wer in worst]
    return f"worst: {', '.join(texts)}"


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
