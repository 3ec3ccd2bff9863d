"""What a row costs: bytes up and down, and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedasr.report.pictures.drawing.axes import log_bytes, log_seconds
from fedasr.report.pictures.drawing.labels import name_rows
from fedasr.report.pictures.drawing.looks import Look, looks
from fedasr.report.pictures.drawing.style import FAINT, drawing, new_figure
from fedasr.report.pictures.picture import Picture, framed
from fedasr.report.pictures.traffic import shown
from fedasr.report.words.groups import groups
from fedasr.report.words.units import bytes_text, seconds_text
from fedasr.runs.data import RowData, RunData

Measure = tuple[str, str, Callable[[RowData], float | None]]

_BYTES: tuple[Measure, ...] = (
    ("▲ up, from silos", "^", lambda row: row.uplink_bytes),
    ("▼ down, to silos", "v", lambda row: row.downlink_bytes),
)
_TIMES: tuple[Measure, ...] = (
    ("● wall clock", "o", lambda row: row.wall_seconds),
    ("◆ simulated", "D", lambda row: row.simulated_seconds),
    ("■ training in silos, CPU", "s", lambda row: row.training_cpu_seconds),
)


def bytes_picture(data: RunData) -> list[Picture]:
    """Return the bytes of each row, with their words; nothing where "Where the bytes went" tells them by kind."""
    if shown(data):
        return []
    caption = "Bytes of all silos and rounds together, counted after encoding, without the message envelopes."
    numbers = (
        f"{group.name} {bytes_text(up)} up and {bytes_text(down)} down"
        for group in groups(data)
        if (up := group.mean(lambda row: row.uplink_bytes)) is not None
        and (down := group.mean(lambda row: row.downlink_bytes)) is not None
    )
    return framed("bytes", "Bytes moved", caption, "; ".join(numbers), bytes_by_row(data))


def time_picture(data: RunData) -> list[Picture]:
    """Return the times of each row, with their words."""
    caption = (
        "Wall clock of this simulation, simulated time of the modelled network and devices, and processor "
        "seconds spent in the silos' training."
    )
    numbers = (
        f"{group.name} {seconds_text(wall)}"
        for group in groups(data)
        if (wall := group.mean(lambda row: row.wall_seconds)) is not None
    )
    return framed("time", "Time taken", caption, "; ".join(numbers), time_by_row(data))


def bytes_by_row(data: RunData) -> Figure | None:
    """Draw the bytes up and down of each row."""
    return _measures(data, _BYTES, bytes_text, log_bytes, "nothing sent", "bytes over the whole run, as encoded")


def time_by_row(data: RunData) -> Figure | None:
    """Draw wall-clock, simulated and training time of each row."""
    return _measures(data, _TIMES, seconds_text, log_seconds, "not measured", "time over the whole run")


def _measures(
    data: RunData,
    measures: Sequence[Measure],
    text: Callable[[float], str],
    scale: Callable[[Axes, float, float], None],
    nothing: str,
    label: str,
) -> Figure | None:
    """Draw a dot for each measure of each row, the measures of a row one below the other."""
    everyone = groups(data)
    told = [[group.mean(value) for _, _, value in measures] for group in everyone]
    table = [[value or 0.0 for value in values] for values in told]
    known = [value for values in table for value in values if value > 0]
    if not known:
        return None
    used = [index for index in range(len(measures)) if any(values[index] > 0 for values in table)]
    with drawing():
        figure = new_figure(0.95 + (0.14 + 0.16 * len(used)) * len(everyone))
        axes = figure.add_subplot()
        look = looks(everyone)
        scale(axes, min(known) / 3, max(known) * 8)
        for position, (group, values) in enumerate(zip(everyone, table, strict=True)):
            if not any(values):
                is_told = any(value is not None for value in told[position])
                _say(axes, position, "failed" if not group.finished else nothing if is_told else "not told")
            for place, index in enumerate(used):
                height = position + (place - (len(used) - 1) / 2) * 0.27
                if values[index] > 0:
                    _draw_mark(axes, values[index], height, measures[index][1], look[group.name], text)
        name_rows(axes, everyone, look)
        axes.set_xlabel(label)
        title = "\u2003".join(measures[index][0] for index in used)
        axes.set_title(title, loc="left", fontsize=8.5, color=FAINT)
    return figure


def _say(axes: Axes, position: int, word: str) -> None:
    left = axes.get_xlim()[0]
    axes.annotate(word, (left, position), (4, 0), textcoords="offset points", va="center", color=FAINT)


def _draw_mark(axes: Axes, value: float, height: float, marker: str, look: Look, text: Callable[[float], str]) -> None:
    axes.plot([axes.get_xlim()[0], value], [height] * 2, color=look.colour, linewidth=0.7, alpha=0.35)
    axes.plot(value, height, marker, markersize=5.5, color=look.colour, markeredgecolor="white")
    axes.annotate(
        text(value),
        (value, height),
        (6, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=look.ink,
    )
