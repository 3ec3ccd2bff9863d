"""Who holds which speech: silos, and beside them public, development and test speakers."""

from __future__ import annotations

from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from fedasr.report.pictures.drawing.style import FAINT, INK, drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.words.units import count_text, seconds_text
from fedasr.runs.data import PartitionData, RunData

MOST_NAMED = 8
MOST_BARS = 150
_SILOS = "#0072B2"

Part = tuple[str, str, int, int, float]


def partition_picture(data: RunData) -> list[Picture]:
    """Return who holds which speech, with its words."""
    figure = partition(data)
    if figure is None or data.partition is None:
        return []
    seconds = [silo.seconds for silo in data.partition.silos]
    caption = f"Seconds of speech in each set and each silo; rule of the partition: {data.partition.rule or '–'}."
    if len(seconds) > 1:
        caption += (
            f" Silos hold {seconds_text(min(seconds))} to {seconds_text(max(seconds))}, median "
            f"{seconds_text(median(seconds))}."
        )
    numbers = (
        f"{name}: {count_text(speakers, 'speaker')}, {count_text(utterances, 'utterance')}, {seconds_text(total)}"
        for name, _, speakers, utterances, total in parts(data.partition)
    )
    return framed("partition", "Who holds the speech", caption, "; ".join(numbers), figure, inside=True)


def parts(partition: PartitionData) -> list[Part]:
    """Return (what, colour, speakers, utterances, seconds) of the silos together and of each other set."""
    silos = partition.silos
    together = (
        count_text(len(silos), "silo"),
        _SILOS,
        len({speaker for silo in silos for speaker in silo.speakers}),
        sum(silo.utterances for silo in silos),
        sum(silo.seconds for silo in silos),
    )
    others = (
        ("public, labelled", "#E69F00", partition.public_labelled),
        ("public, unlabelled", "#F2CF7E", partition.public_unlabelled),
        ("development", "#9aa5b1", partition.development),
        ("test", "#3e4c59", partition.test),
    )
    rows = [(name, colour, len(p.speakers), p.utterances, p.seconds) for name, colour, p in others]
    return [together, *(row for row in rows if row[3])]


def partition(data: RunData) -> Figure | None:
    """Draw how much speech each set holds (above), and each silo, largest first (below)."""
    if data.partition is None or not data.partition.silos:
        return None
    rows = parts(data.partition)
    with drawing():
        figure = new_figure(2.2 + 0.42 * len(rows))
        above, below = figure.subplots(2, 1, height_ratios=[0.42 * len(rows), 1.7])
        _draw_parts(above, rows)
        _draw_silos(below, data.partition)
    return figure


def _draw_parts(axes: Axes, rows: list[Part]) -> None:
    """A bar for each set, its name above it and its length at its end."""
    for position, (name, colour, speakers, utterances, seconds) in enumerate(rows):
        axes.barh(position, seconds, 0.42, color=colour)
        extent = f"{count_text(speakers, 'speaker')}, {count_text(utterances, 'utterance')}"
        for text, place, offset, ink in (
            (f"{name}: {extent}", (0, position - 0.24), (0, 1.5), INK),
            (seconds_text(seconds), (seconds, position), (5, -5), FAINT),
        ):
            axes.annotate(text, place, offset, textcoords="offset points", fontsize=8.5, color=ink)
    axes.set_ylim(len(rows) - 0.7, -0.75)
    axes.set_xlim(0, max(seconds for *_, seconds in rows) * 1.25)
    axes.set_axis_off()


def _draw_silos(axes: Axes, partition: PartitionData) -> None:
    silos = sorted(partition.silos, key=lambda silo: (-silo.seconds, silo.silo))
    seconds = [silo.seconds for silo in silos]
    unit, name = _unit(seconds[0])
    heights = [value / unit for value in seconds]
    if len(silos) <= MOST_BARS:
        axes.bar(range(1, len(silos) + 1), heights, 0.8, color=_SILOS)
    else:
        axes.stairs(heights, [place + 0.5 for place in range(len(silos) + 1)], fill=True, color=_SILOS)
    axes.set_ylabel(f"speech ({name})")
    axes.grid(axis="y")
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(0.3, max(len(silos), 3) + 0.7)
    if len(silos) <= MOST_NAMED:
        axes.set_xticks(range(1, len(silos) + 1), [f"silo {silo.silo}" for silo in silos])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("silos, from largest to smallest")


def _unit(seconds: float) -> tuple[float, str]:
    """Return the unit in which the longest bar is a handy number."""
    if seconds < 180:
        return 1.0, "s"
    return (60.0, "min") if seconds < 3 * 3600 else (3600.0, "h")
