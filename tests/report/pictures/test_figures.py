from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox

from fedasr.report import figures
from fedasr.report.pictures.drawing.looks import looks
from fedasr.report.pictures.order import pictures
from fedasr.report.pictures.partition import partition
from fedasr.report.pictures.privacy.figure import wer_by_epsilon
from fedasr.report.pictures.privacy.panels import panels
from fedasr.report.pictures.silos import silo_strips, worst_of
from fedasr.report.pictures.trade import wer_by_bytes
from fedasr.report.pictures.wer import wer_by_round, wer_by_row
from fedasr.report.words.groups import groups
from fedasr.runs.reading import read_run

Make = Callable[..., Any]
ALL = {"wer", "rounds", "trade", "bytes", "time", "silos", "speakers", "partition"}


def words(figure: Figure) -> str:
    return " | ".join(text.get_text() for text in figure.findobj(mpl.text.Text))  # type: ignore[attr-defined]


def test_all_figures_and_no_global_state(make_run: Make) -> None:
    before = dict(mpl.rcParams)
    found = figures(make_run())
    assert set(found) == ALL
    assert dict(mpl.rcParams) == before
    pyplot = __import__("sys").modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


@pytest.mark.parametrize("silos", [1, 3, 1000])
def test_any_number_of_silos(make_run: Make, make_row: Make, silos: int) -> None:
    run = read_run(make_run([make_row("fedavg")], silos=silos))
    assert {picture.key for picture in pictures(run)} == ALL
    drawn = partition(run)
    assert drawn is not None
    assert f"{silos:,} silo" in words(drawn)
    # A thousand bars would be a thousand elements: one outline takes their place.
    assert len(drawn.axes[1].patches) == (silos if silos <= 150 else 1)


def test_rows_without_rounds_are_horizontal_lines(make_run: Make) -> None:
    figure = wer_by_round(read_run(make_run()))
    assert figure is not None
    lines = figure.axes[0].get_lines()
    flat = [line for line in lines if len(line.get_xdata()) == 2]
    assert len(lines) == 5
    assert sorted(round(float(line.get_ydata()[0]), 2) for line in flat) == [12.92, 43.05, 65.1]  # type: ignore[index,arg-type]
    assert "centralised  12.9" in words(figure)


def test_no_rounds_no_curve(make_run: Make, make_row: Make) -> None:
    run = read_run(make_run([make_row("centralised"), make_row("public-only")]))
    assert wer_by_round(run) is None
    assert wer_by_bytes(run) is None
    assert {picture.key for picture in pictures(run)} == ALL - {"rounds", "trade", "bytes"}


def test_seeds_are_small_dots_about_their_mean(make_run: Make, make_row: Make) -> None:
    rows = [make_row("fedavg", seed, folder=f"fedavg@{seed}", wer=0.2 + 0.01 * seed) for seed in (1, 2, 3)]
    figure = wer_by_row(read_run(make_run(rows)))
    assert figure is not None
    dots = [list(line.get_xdata()) for line in figure.axes[0].get_lines()]  # type: ignore[arg-type]
    assert [21.0, 22.0, 23.0] in [[round(float(value), 6) for value in line] for line in dots]
    assert [22.0] in [[round(float(value), 6) for value in line] for line in dots]


@pytest.mark.parametrize(("ends", "most"), [({}, 2), ({"wer_low": None, "wer_high": None}, 1)])
def test_without_an_interval_no_whisker_is_drawn(
    make_run: Make, make_row: Make, ends: dict[str, None], most: int
) -> None:
    promise = {"epsilon": 2.0, "delta": 1e-5, "privacy_unit": "silo", "adjacency": "replace-one"}
    run = read_run(make_run([make_row("fedavg", **promise, epsilon_kind="accountant", **ends)]))
    for figure in (wer_by_row(run), wer_by_bytes(run), wer_by_epsilon(run, panels(run)[0])):
        assert figure is not None
        drawn = [line for line in figure.axes[0].get_lines() if line.get_drawstyle() == "default"]
        assert max(len(line.get_xdata()) for line in drawn) == most  # type: ignore[arg-type]


def test_a_failed_row_is_drawn_as_failed(make_run: Make, make_row: Make, make_failed_row: Make) -> None:
    figure = wer_by_row(read_run(make_run([make_row("fedavg"), make_failed_row("gtc", "disk full")])))
    assert figure is not None
    assert "failed" in words(figure)
    assert "gtc" in words(figure)


def test_only_failed_rows_leave_the_partition(make_run: Make, make_failed_row: Make) -> None:
    assert set(figures(make_run([make_failed_row("fedavg", "disk full")]))) == {"partition"}


def test_the_worst_silos_are_named(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg")], silos=4)
    scores = ", ".join(
        f'{{"silo": {n}, "speakers": ["s{n}"], "errors": {e}, "words": 10}}' for n, e in enumerate((1, 9, 3, 2))
    )
    (folder / "fedavg/silos.json").write_text(f'{{"on": "own speech", "silos": [{scores}]}}')
    strip = silo_strips(read_run(folder))[0]
    assert worst_of(strip) == [("silo 1 · s1", 0.9), ("silo 2 · s2", 0.3), ("silo 3 · s3", 0.2)]
    found = {picture.key: picture for picture in pictures(read_run(folder))}["silos"]
    assert "worst: silo 1 · s1 90%, silo 2 · s2 30%, silo 3 · s3 20%" in words(found.figure)
    assert "flatters" in found.caption


def test_silos_without_words_do_not_count(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg")], silos=2)
    (folder / "fedavg/silos.json").write_text(
        '{"on": "test", "silos": [{"silo": 0, "errors": 0, "words": 0}, {"silo": 1, "errors": 1, "words": 4}]}'
    )
    assert silo_strips(read_run(folder))[0].scores == [("silo 1", 0.25)]


def test_a_row_keeps_its_colour_when_others_fail(make_run: Make, make_row: Make, make_failed_row: Make) -> None:
    run = read_run(make_run([make_failed_row("gtc", "disk full"), make_row("fedavg"), make_row("centralised")]))
    found = looks(groups(run))
    assert len({look.colour for look in found.values()}) == 3
    assert found["fedavg"].colour == "#D55E00"


def test_many_rows_stay_apart_by_colour_or_marker(make_run: Make, make_row: Make) -> None:
    run = read_run(make_run([make_row(f"fed{number}") for number in range(20)], silos=2))
    found = [(look.colour, look.marker) for look in looks(groups(run)).values()]
    assert all(one != other for one, other in itertools.combinations(found, 2))
    assert {picture.key for picture in pictures(run)} == ALL


def test_names_are_not_read_as_mathematics(make_run: Make, make_row: Make) -> None:
    assert "wer" in figures(make_run([make_row("a$\\frac{$b", folder="odd")], silos=2))


@pytest.mark.parametrize("count", [12, 30])
def test_names_beside_a_figure_do_not_meet(make_run: Make, make_row: Make, count: int) -> None:
    figure = wer_by_round(read_run(make_run([make_row(f"fed{number}") for number in range(count)], silos=2)))
    assert figure is not None
    figure.draw_without_rendering()  # type: ignore[no-untyped-call]
    boxes = [child.get_window_extent() for child in figure.axes[0].get_children() if isinstance(child, AnnotationBbox)]
    boxes.sort(key=lambda box: box.y0)
    assert len(boxes) == count
    assert all(one.y1 <= other.y0 + 2 for one, other in itertools.pairwise(boxes))
    assert boxes[0].y0 > 0
    assert boxes[-1].y1 <= figure.bbox.y1 + 1


def test_the_names_of_the_worst_are_never_cut(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg")], silos=4)
    scores = ", ".join(
        f'{{"silo": {n}, "speakers": ["{"long-name-" * 6}{n}"], "errors": {n}, "words": 10}}' for n in range(4)
    )
    (folder / "fedavg/silos.json").write_text(f'{{"on": "test", "silos": [{scores}]}}')
    told = [text for text in words(figures(folder)["silos"]).split(" | ") if text.startswith("worst: ")]
    assert told == ["worst: silo 3 30%, silo 2 20%, silo 1 10%"]
