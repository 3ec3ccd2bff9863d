from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox

from fedasr.network.published import PUBLISHED
from fedasr.report import figures, write_page
from fedasr.report.pictures.codec import density_and_threshold, panels, thinned
from fedasr.report.pictures.drawing.style import INK
from fedasr.report.pictures.order import pictures
from fedasr.report.pictures.speedup import speedup_by_workers
from fedasr.report.pictures.traffic import envelope_bytes, kind_colours, parts_of, shown, where_bytes_went
from fedasr.report.speedups import WORKERS, published_curves, with_speedups
from fedasr.report.words.groups import groups
from fedasr.runs.data import SpeedupCurve
from fedasr.runs.reading import read_run

Make = Callable[..., Any]
OLD = {"wer", "rounds", "trade", "bytes", "time", "silos", "speakers", "partition"}
NEW = {"trade-time", "learning", "traffic", "codec", "speedup"}


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(mpl.text.Text)]  # type: ignore[attr-defined]


def traffic_of(folder: Path, row: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / row / "traffic.jsonl").read_text().splitlines()]


def test_a_run_with_all_of_it_has_all_figures(make_exchange_run: Make) -> None:
    folder = make_exchange_run()
    assert set(figures(folder)) == (OLD | NEW) - {"bytes"}  # told by kind
    text = write_page(folder).read_text("utf-8")
    assert text.count("<figcaption>") == len(OLD | NEW) - 1
    assert "development loss</th>" in text
    released = pictures(with_speedups(read_run(folder), folder), release=True)
    assert {picture.key for picture in released} >= NEW
    assert "http://" not in text


def test_a_run_without_the_newer_fields_looks_as_before(make_run: Make) -> None:
    folder = make_run()
    assert set(figures(folder)) == OLD
    assert "development loss" not in write_page(folder).read_text("utf-8")


def test_the_parts_are_the_traffic(make_exchange_run: Make) -> None:
    folder = make_exchange_run(seeds=2)
    found = {group.name: parts_of(group) for group in groups(read_run(folder))}
    for name in ("fedavg", "bmuf", "sync-sgd", "gtc"):
        seeds = [traffic_of(folder, f"{name}@{seed}") for seed in (1, 2)]
        sent = fmean(sum(line["blob_bytes"] + line["envelope_bytes"] for line in lines) for lines in seeds)
        assert sum(part.bytes for part in found[name]) == pytest.approx(sent, rel=1e-12)
        wrapped = fmean(sum(line["envelope_bytes"] for line in lines) for lines in seeds)
        assert envelope_bytes(found[name]) == pytest.approx(wrapped, rel=1e-12)
        (up,) = (part.bytes for part in found[name] if part.direction == "up" and part.kind)
        assert up == fmean(sum(x["blob_bytes"] for x in lines if x["direction"] == "up") for lines in seeds)


def test_the_bars_are_the_shares_of_the_parts(make_exchange_run: Make) -> None:
    run = read_run(make_exchange_run())
    figure, parts = where_bytes_went(run), shown(run)
    assert figure is not None
    bars = [(bar.get_y() + bar.get_height() / 2, bar.get_width()) for bar in figure.axes[0].patches]  # type: ignore[attr-defined]
    for position, row in enumerate(parts.values()):
        total = sum(part.bytes for part in row)
        widths = [width for place, width in bars if abs(place - position) < 1e-9]
        assert widths == pytest.approx([100 * part.bytes / total for part in row])
        assert sum(widths) == pytest.approx(100)
    assert "▲ 139 MB  ▼ 139 MB\nenvelopes 6.7 kB" in words(figure)


def test_an_even_exchange_of_one_kind_is_told_by_its_totals(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg"), make_row("local-only")], silos=2)
    path = folder / "fedavg/traffic.jsonl"
    even = path.read_text()
    assert where_bytes_went(read_run(folder)) is None
    path.write_text(
        even.replace('"down", "kind": "train", "blob_bytes": 1000', '"down", "kind": "train", "blob_bytes": 9')
    )
    assert where_bytes_went(read_run(folder)) is not None


def test_heavy_envelopes_are_seen(make_exchange_run: Make) -> None:
    folder = make_exchange_run()
    path = folder / "gtc@1/traffic.jsonl"
    path.write_text(path.read_text().replace('"envelope_bytes": 70', '"envelope_bytes": 7000'))
    figure = where_bytes_went(read_run(folder))
    assert figure is not None
    assert "envelopes" in words(figure)


def test_density_and_threshold_of_the_rows_that_have_them(make_exchange_run: Make) -> None:
    run = read_run(make_exchange_run())
    drawn = {panel.key: curves for panel, curves in panels(run)}
    assert {key: set(curves) for key, curves in drawn.items()} == {"density": {"gtc"}, "threshold": {"gtc"}}
    last = run.rows[-1].metrics[-2:]
    # 400 rounds are more than are drawn: the last point is the mean of the last two.
    assert drawn["threshold"]["gtc"][-1] == pytest.approx((399.5, fmean(line.threshold or 0 for line in last)))
    figure = density_and_threshold(run)
    assert figure is not None
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log"]
    assert "Neighbouring rounds are averaged." in {p.key: p.caption for p in pictures(run)}["codec"]


def test_one_of_the_two_is_one_panel(make_exchange_run: Make) -> None:
    folder = make_exchange_run()
    path = folder / "gtc@1/metrics.jsonl"
    lines = [{**json.loads(line), "threshold": None} for line in path.read_text().splitlines()]
    path.write_text("\n".join(map(json.dumps, lines)))
    figure = density_and_threshold(read_run(folder))
    assert figure is not None
    assert len(figure.axes) == 1


@given(st.lists(st.floats(0.1, 10), max_size=700), st.integers(1, 50))
def test_thinning_keeps_ends_and_bounds(values: list[float], most: int) -> None:
    curve = [(float(place), value) for place, value in enumerate(values)]
    few = thinned(curve, most)
    assert len(few) <= most
    assert [place for place, _ in few] == sorted(place for place, _ in few)
    if values:
        assert (
            min(values) - 1e-9 <= min(value for _, value in few) <= max(value for _, value in few) <= max(values) + 1e-9
        )
    if len(values) <= most:
        assert few == curve


def test_speed_ups_are_those_of_the_replay(make_exchange_run: Make) -> None:
    from fedasr.network.presets import build_network
    from fedasr.runs.replayed.retiming import speedup_curves

    folder = make_exchange_run(seeds=2)
    run = with_speedups(read_run(folder), folder)
    assert run.speedups is not None
    found = speedup_curves(folder, build_network("cloud-2015"), WORKERS)
    for curve in run.speedups.curves:
        seeds = [c for c in found.curves if c.workload.name.split("@")[0] == curve.name]
        assert len(seeds) == 2
        assert curve.speedups == pytest.approx([fmean(c.points[i].speedup for c in seeds) for i in range(len(WORKERS))])
    assert {curve.name for curve in run.speedups.curves} == {"fedavg", "bmuf", "sync-sgd", "gtc"}


def test_published_points_are_hollow_and_their_source_told(make_exchange_run: Make) -> None:
    folder = make_exchange_run()
    run = with_speedups(read_run(folder), folder)
    figure = speedup_by_workers(run)
    assert figure is not None
    hollow = [line for line in figure.axes[0].get_lines() if line.get_markerfacecolor() == "white"]
    assert [list(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in hollow] == [  # type: ignore[arg-type]
        sorted(points.items()) for points in PUBLISHED.values()
    ]
    ideal = figure.axes[0].get_lines()[0]
    assert list(ideal.get_xdata()) == list(ideal.get_ydata()) == [1, 4096]  # type: ignore[arg-type]
    caption = {picture.key: picture.caption for picture in pictures(run)}["speedup"]
    assert "CNTK" in caption
    assert "cloud-2015" in caption


def test_published_curves_are_in_the_order_of_workers() -> None:
    assert published_curves({"a": {8: 6.0, 4: 3.5}}) == (SpeedupCurve("a", (4, 8), (3.5, 6.0)),)


def test_without_compute_no_speed_up(make_exchange_run: Make) -> None:
    folder = make_exchange_run()
    (folder / "compute.json").unlink()
    run = with_speedups(read_run(folder), folder)
    assert speedup_by_workers(run) is None
    assert run.remarks == ()


def test_an_unreadable_compute_file_is_a_remark(make_exchange_run: Make) -> None:
    folder = make_exchange_run()
    (folder / "compute.json").write_text("{")
    run = with_speedups(read_run(folder), folder)
    assert run.speedups is None
    (remark,) = run.remarks
    assert remark.startswith("No speed-up against workers: compute.json: corrupt, or not a JSON file")


@given(st.sets(st.text("abc.", min_size=1, max_size=4), max_size=30))
def test_no_two_kinds_of_message_have_one_colour(kinds: set[str]) -> None:
    found = kind_colours(sorted(kinds))
    assert set(found) == kinds
    assert len(set(found.values())) == len(kinds)


def test_a_colour_in_the_picture_of_bytes_is_a_kind_and_never_a_row(make_exchange_run: Make) -> None:
    figure = where_bytes_went(read_run(make_exchange_run()))
    assert figure is not None
    assert {label.get_color() for label in figure.axes[0].get_yticklabels()} == {INK}


def test_names_in_a_column_have_samples_and_no_leaders(make_exchange_run: Make) -> None:
    found = figures(make_exchange_run())
    for key in ("rounds", "learning", "codec", "trade", "speedup"):
        for axes in found[key].axes:
            boxes = [child for child in axes.get_children() if isinstance(child, AnnotationBbox)]
            assert boxes, key
            assert not [text for text in axes.texts if getattr(text, "arrow_patch", None)], key


def test_every_axis_of_a_codec_has_two_ticks_at_least(make_exchange_run: Make) -> None:
    folder = make_exchange_run()
    path = folder / "gtc@1/metrics.jsonl"
    lines = [{**line, "density": line["density"] and 0.0131} for line in map(json.loads, path.read_text().splitlines())]
    path.write_text("\n".join(map(json.dumps, lines)))
    figure = density_and_threshold(read_run(folder))
    assert figure is not None
    figure.draw_without_rendering()  # type: ignore[no-untyped-call]
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert sum(low <= tick <= high for tick in axes.get_yticks()) >= 2
