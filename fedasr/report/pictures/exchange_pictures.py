"""The figures of what was exchanged and what that bought, with their words."""

from __future__ import annotations

from collections.abc import Callable

from fedasr.report.pictures import codecs as codec_figures
from fedasr.report.pictures import cost as cost_figures
from fedasr.report.pictures import learning as learning_figures
from fedasr.report.pictures import speedup as speedup_figure
from fedasr.report.pictures import trade as trade_figures
from fedasr.report.pictures import traffic as traffic_figure
from fedasr.report.pictures.picture import Picture, make
from fedasr.report.pictures.trade import BYTES, SECONDS, Cost
from fedasr.report.words.groups import groups
from fedasr.report.words.units import bytes_text, listing, percent, seconds_text
from fedasr.runs.records import RunData

_WRAPPING = "envelopes"


def trade_pictures(data: RunData) -> list[Picture | None]:
    """Return word error rates against bytes and time, of the final models and as they learned."""
    return [_wer_by_bytes(data), _wer_by_seconds(data), _learning(data)]


def exchange_pictures(data: RunData) -> list[Picture | None]:
    """Return where the bytes went, what a thresholded codec did, and how more workers would fare."""
    return [_traffic(data), _codec(data), _speedup(data)]


def _wer_by_bytes(data: RunData) -> Picture | None:
    figure = trade_figures.wer_by_bytes(data)
    caption = (
        "Test word error rate (with its 95% interval) against all bytes that crossed the network; lower "
        "left is better, and dashed lines are rows that send nothing."
    )
    numbers = (
        f"{group.name} {percent(wer.value)}% for {bytes_text(cost_figures.total_bytes(group))}"
        for group in groups(data)
        if (wer := group.wer())
    )
    return make("trade", "What the bytes buy", caption + _front(data, BYTES), "; ".join(numbers), figure)


def _front(data: RunData, cost: Cost) -> str:
    names = trade_figures.marked_front(data, cost)
    if not names:
        return ""
    return (
        f" Ringed, on the thin line, is the Pareto front, references aside: none is at once better and cheaper than "
        f"{listing(names)}."
    )


def _wer_by_seconds(data: RunData) -> Picture | None:
    figure = trade_figures.wer_by_seconds(data)
    if figure is None:
        return None
    caption = (
        "Test word error rate (with its 95% interval) against the time of the modelled network and devices, "
        f"waiting included; dashed lines are rows that were not timed.{_networks(data)}"
    )
    numbers = (
        f"{name} {percent(wer)}% in {seconds_text(count)}"
        for name, (count, wer) in trade_figures.dots_of(data, SECONDS).items()
        if count > 0
    )
    return make("trade-time", "What the time buys", caption + _front(data, SECONDS), "; ".join(numbers), figure)


def _networks(data: RunData) -> str:
    """Which networks were modelled; a row without one has no transfer time."""
    names = sorted({row.network or "none" for row in data.rows if row.simulated_seconds})
    without = " (compute alone, bytes take no time)"
    return f" Networks: {listing([name + without if name == 'none' else name for name in names])}."


def _learning(data: RunData) -> Picture | None:
    figure, drawn = learning_figures.wer_by_cost(data), learning_figures.panels(data)
    if figure is None:
        return None
    keys = [panel.key for panel, _ in drawn]
    against = {"bytes": "all bytes sent until then", "seconds": "simulated time until then"}
    caption = (
        f"Word error rate on development speakers, round by round, against {listing([against[key] for key in keys])}; "
        "several seeds are averaged, and round 0, before anything was spent, has no place on the logarithmic axis."
    )
    numbers = (
        f"{name} ends at {percent(curve[-1][1])}% after {_text(panel.key)(curve[-1][0])}"
        for panel, curves in drawn
        for name, curve in curves.items()
    )
    return make("learning", "What learning costs", caption, "; ".join(numbers), figure)


def _text(key: str) -> Callable[[float], str]:
    return bytes_text if key == "bytes" else seconds_text


def _traffic(data: RunData) -> Picture | None:
    figure = traffic_figure.where_bytes_went(data)
    caption = (
        "How each row's bytes divide over directions (▲ up, from silos; ▼ down, to silos) and kinds of message, as "
        "encoded; at the right the total, and the envelopes in it, which wrap the messages; rows that sent "
        "nothing are left out."
    )
    numbers = (
        f"{name}: {listing([f'{bytes_text(p.bytes)} {p.direction} {p.kind or _WRAPPING}' for p in parts])}"
        for name, parts in traffic_figure.shown(data).items()
    )
    return make("traffic", "Where the bytes went", caption, "; ".join(numbers), figure)


def _codec(data: RunData) -> Picture | None:
    drawn = codec_figures.panels(data)
    caption = (
        "What the thresholded codec did in each round, the mean over the silos' messages and over seeds: the share of "
        "values that was sent, and the threshold that a value, with what earlier rounds left of it, has to reach."
    )
    if any(len(group.rows[0].metrics) > codec_figures.MOST_POINTS for group in groups(data)):
        caption += " Neighbouring rounds are averaged."
    numbers = (
        f"{name} {panel.key} from {panel.text(curve[0][1])} to {panel.text(curve[-1][1])}"
        for panel, curves in drawn
        for name, curve in curves.items()
    )
    figure = codec_figures.density_and_threshold(data)
    return make("codec", "Density and threshold", caption, "; ".join(numbers), figure)


def _speedup(data: RunData) -> Picture | None:
    found, figure = data.speedups, speedup_figure.speedup_by_workers(data)
    if found is None:
        return None
    caption = (
        f"How many times faster than one worker the run's own model and messages would go through the data, replayed "
        f"on the network {found.network} ({found.note}), each worker with the same work between exchanges; hollow "
        f"marks are published ({found.source}), with other models and bytes than this run's."
    )
    numbers = (
        f"{curve.name} {curve.speedups[-1]:,.3g} times with {curve.workers[-1]:,} workers" for curve in found.curves
    )
    return make("speedup", "Speed-up against workers", caption, "; ".join(numbers), figure)
