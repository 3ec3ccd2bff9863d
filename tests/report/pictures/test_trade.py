from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fedasr.report.pictures.costs import BYTES, SECONDS, front, marked_front
from fedasr.report.pictures.drawing.style import FAINT
from fedasr.report.pictures.learning import BYTES as LEARNED_BYTES
from fedasr.report.pictures.learning import learning_curve, panels, wer_by_cost
from fedasr.report.pictures.order import pictures
from fedasr.report.pictures.trade import wer_by_bytes, wer_by_seconds
from fedasr.report.words.groups import groups
from fedasr.runs.data import RoundData, RowData, RunData
from fedasr.runs.reading import read_run

Make = Callable[..., Any]
DOTS = st.dictionaries(
    st.text(min_size=1, max_size=3), st.tuples(st.integers(1, 6).map(float), st.integers(0, 6).map(float)), max_size=12
)


def beaten(name: str, dots: Mapping[str, tuple[float, float]]) -> bool:
    cost, wer = dots[name]
    return any(c <= cost and w <= wer and (c, w) != (cost, wer) for c, w in dots.values())


def steps(figure: Figure) -> list[tuple[list[float], list[float]]]:
    lines = [line for line in figure.axes[0].get_lines() if line.get_drawstyle() == "steps-post"]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in lines]  # type: ignore[arg-type]


@given(DOTS)
def test_the_front_is_what_brute_force_finds(dots: dict[str, tuple[float, float]]) -> None:
    best = front(dots)
    assert set(best) == {name for name in dots if not beaten(name, dots)}
    assert len(best) == len(set(best))
    assert [dots[name][0] for name in best] == sorted(dots[name][0] for name in best)
    assert [dots[name][1] for name in best] == sorted((dots[name][1] for name in best), reverse=True)


def test_the_front_is_drawn_as_a_step_line_and_told(make_exchange_run: Make) -> None:
    run = read_run(make_exchange_run())
    assert marked_front(run, BYTES) == ["gtc", "sync-sgd"]
    figure = wer_by_bytes(run)
    assert figure is not None
    ((costs, wers),) = steps(figure)
    assert costs == [4 * 400 * (3_100 + 40_000), 4 * 400 * 5_800_000]
    assert wers == pytest.approx([17.5, 17.0])
    rings = [line for line in figure.axes[0].get_lines() if line.get_markersize() == 11]
    assert sorted(float(line.get_xdata()[0]) for line in rings) == costs  # type: ignore[index,arg-type]
    assert {to_hex(line.get_markeredgecolor()) for line in rings} == {FAINT}  # type: ignore[arg-type]
    caption = {picture.key: picture.caption for picture in pictures(run)}["trade"]
    assert "better and cheaper than gtc and sync-sgd." in caption


def test_one_best_row_is_no_front(make_run: Make) -> None:
    run = read_run(make_run())
    figure = wer_by_bytes(run)
    assert figure is not None
    assert marked_front(run, BYTES) == []
    assert steps(figure) == []
    assert "Pareto" not in " ".join(picture.caption for picture in pictures(run))


def test_a_few_bytes_are_no_bargain_and_references_no_rivals(make_run: Make, make_row: Make) -> None:
    rows = [
        make_row("centralised", uplink_bytes=1e6, downlink_bytes=0),
        make_row("bmuf", wer=0.2, uplink_bytes=187_776_512, downlink_bytes=187_773_888),
        make_row("sync-sgd", wer=0.3, uplink_bytes=187_776_512, downlink_bytes=187_773_632),
    ]
    assert marked_front(read_run(make_run(rows, silos=2)), BYTES) == []


def test_time_is_drawn_only_over_a_network_and_for_two_rows(make_exchange_run: Make, make_run: Make) -> None:
    run = read_run(make_exchange_run(seeds=2))
    figure = wer_by_seconds(run)
    assert figure is not None
    assert marked_front(run, SECONDS) == ["gtc", "sync-sgd"]
    flat = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    assert sorted(round(float(line.get_ydata()[0]), 3) for line in flat) == [12.3, 41.0]  # type: ignore[index,arg-type]
    assert "not timed" in {picture.key: picture.caption for picture in pictures(run)}["trade-time"]


def test_no_network_no_time(make_exchange_run: Make) -> None:
    run = read_run(make_exchange_run(network="none"))
    assert wer_by_seconds(run) is None
    assert [panel.key for panel, _ in panels(run)] == ["bytes"]


def test_learning_goes_over_the_bytes_of_all_rounds(make_exchange_run: Make) -> None:
    run = read_run(make_exchange_run(seeds=2))
    drawn = {panel.key: curves for panel, curves in panels(run)}
    assert set(drawn) == {"bytes", "seconds"}
    for row in (row for row in run.rows if row.metrics and row.seed == 1 and row.name in drawn["bytes"]):
        assert drawn["bytes"][row.name][-1][0] == (row.uplink_bytes or 0) + (row.downlink_bytes or 0)
        assert drawn["seconds"][row.name][-1][0] == pytest.approx(row.simulated_seconds)
    figure = wer_by_cost(run)
    assert figure is not None
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "log"]
    assert [len(axes.get_lines()) for axes in figure.axes] == [4, 4]


def test_a_curve_is_the_mean_over_seeds_of_shared_rounds() -> None:
    def seed(number: int, *rounds: tuple[int, float | None]) -> RowData:
        lines = tuple(RoundData(n, development_wer=wer, uplink_bytes=number, downlink_bytes=1) for n, wer in rounds)
        return RowData("gtc", "finished", "gtc", f"gtc@{number}", metrics=lines)

    rows = (seed(1, (1, 0.5), (2, None), (3, 0.3)), seed(3, (1, 0.7), (2, 0.6), (3, 0.1)))
    (group,) = groups(RunData("x", 1, "", rows))
    first, last = learning_curve(group, LEARNED_BYTES.value)
    assert first == pytest.approx((3.0, 0.6))
    assert last == pytest.approx((9.0, 0.2))


def test_rows_whose_rounds_cost_the_same_show_no_second_picture_of_rounds(make_run: Make, make_row: Make) -> None:
    assert wer_by_cost(read_run(make_run())) is None


def test_too_few_rounds_or_rows_teach_nothing(make_exchange_run: Make) -> None:
    folder = make_exchange_run()
    for name in ("fedavg", "bmuf", "gtc"):
        path = folder / f"{name}@1/metrics.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    assert wer_by_cost(read_run(folder)) is None
