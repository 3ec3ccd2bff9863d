"""Every figure of the report, with its title, what it shows in words, and how that was measured."""

from __future__ import annotations

from statistics import median

from fedasr.report.pictures import cost as cost_figures
from fedasr.report.pictures import partition as partition_figure
from fedasr.report.pictures import silos as silo_figures
from fedasr.report.pictures import wer as wer_figures
from fedasr.report.pictures.exchange_pictures import exchange_pictures, trade_pictures
from fedasr.report.pictures.picture import Picture, make
from fedasr.report.pictures.privacy_pictures import privacy_pictures
from fedasr.report.words.groups import groups
from fedasr.report.words.units import bytes_text, count_text, listing, percent, seconds_text
from fedasr.runs.records import RunData


def pictures(data: RunData, release: bool = False) -> list[Picture]:
    """Return the figures of a run, those left out for which nothing was measured.

    Parameters
    ----------
    data : RunData
    release : bool
        Draw nothing that is seen silo by silo or speaker by speaker.
    """
    drawn = [_wer_by_row(data), *privacy_pictures(data), _wer_by_round(data), *trade_pictures(data)]
    drawn += [_bytes(data), _time(data)]
    drawn += exchange_pictures(data)
    if not release:
        drawn += [_wer_by_silo(data), _wer_by_speaker(data), _partition(data)]
    return [picture for picture in drawn if picture is not None]


def _wer_by_row(data: RunData) -> Picture | None:
    figure = wer_figures.wer_by_row(data)
    caption = (
        "Word error rate on test speakers, whom no silo and no public set holds; the whisker is the 95% "
        "interval, bootstrapped over speakers"
    )
    if any(len(group.finished) > 1 for group in groups(data)):
        caption += ", the small circles are single seeds and the large dot is their mean"
    numbers = (
        f"{group.name} {percent(wer.value)}%" if (wer := group.wer()) else f"{group.name} not measured"
        for group in groups(data)
    )
    return make("wer", "Word error rate", f"{caption}.", "; ".join(numbers), figure)


def _wer_by_round(data: RunData) -> Picture | None:
    figure = wer_figures.wer_by_round(data)
    caption = (
        "Word error rate on the development speakers after each round (round 0 is the shared start); "
        "dashed lines are rows without rounds."
    )
    numbers = (
        f"{group.name} ends at {percent(wer)}%"
        for group in groups(data)
        if (wer := group.mean(lambda row: row.development_wer)) is not None
    )
    return make("rounds", "Progress over the rounds", caption, "; ".join(numbers), figure)


def _bytes(data: RunData) -> Picture | None:
    figure = cost_figures.bytes_by_row(data)
    caption = "Bytes of all silos and rounds together, counted after encoding, without the message envelopes."
    numbers = (
        f"{group.name} {bytes_text(up)} up and {bytes_text(down)} down"
        for group in groups(data)
        if (up := group.mean(lambda row: row.uplink_bytes)) is not None
        and (down := group.mean(lambda row: row.downlink_bytes)) is not None
    )
    return make("bytes", "Bytes moved", caption, "; ".join(numbers), figure)


def _time(data: RunData) -> Picture | None:
    figure = cost_figures.time_by_row(data)
    caption = (
        "Wall clock of this simulation, simulated time of the modelled network and devices, and processor "
        "seconds spent in local training."
    )
    numbers = (
        f"{group.name} {seconds_text(wall)}"
        for group in groups(data)
        if (wall := group.mean(lambda row: row.wall_seconds)) is not None
    )
    return make("time", "Time taken", caption, "; ".join(numbers), figure)


def _wer_by_silo(data: RunData) -> Picture | None:
    figure = silo_figures.wer_by_silo(data)
    strips = silo_figures.silo_strips(data)
    own = [strip.group.name for strip in strips if strip.on != "test"]
    test = [strip.group.name for strip in strips if strip.on == "test"]
    caption = "Is anyone left behind?"
    if own:
        caption += (
            f" {listing(own)}: the final model on each silo's own speech, the very speech that rows across "
            "silos were trained on, so it flatters them."
        )
    if test:
        caption += f" {listing(test)}: each silo's own model on the speech of all test speakers."
    description = silo_figures.described(strips, "silo")
    return make("silos", "Silo by silo", caption, description, figure, inside=True)


def _wer_by_speaker(data: RunData) -> Picture | None:
    figure = silo_figures.wer_by_speaker(data)
    caption = "Word error rate of the final model on each test speaker, none of whom it was trained on."
    description = silo_figures.described(silo_figures.speaker_strips(data), "speaker")
    return make("speakers", "Speaker by speaker", caption, description, figure, inside=True)


def _partition(data: RunData) -> Picture | None:
    figure = partition_figure.partition(data)
    if figure is None or data.partition is None:
        return None
    seconds = [silo.seconds for silo in data.partition.silos]
    caption = f"Seconds of speech in each set and each silo; rule of the partition: {data.partition.rule or '–'}."
    if len(seconds) > 1:
        caption += (
            f" Silos hold {seconds_text(min(seconds))} to {seconds_text(max(seconds))}, median "
            f"{seconds_text(median(seconds))}."
        )
    numbers = (
        f"{name}: {count_text(speakers, 'speaker')}, {count_text(utterances, 'utterance')}, {seconds_text(total)}"
        for name, _, speakers, utterances, total in partition_figure.parts(data.partition)
    )
    return Picture("partition", "Who holds the speech", caption, "; ".join(numbers), figure, inside=True)
