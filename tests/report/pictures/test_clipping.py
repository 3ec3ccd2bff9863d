from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from matplotlib.offsetbox import AnnotationBbox
from matplotlib.text import Text

from fedasr.report.pictures.clipping import clipping_picture, curves, wer_by_bound
from fedasr.runs.data import RunData
from fedasr.runs.reading import read_run

Make = Callable[..., Any]
BOUNDS = (3.0, 0.1, 1.0, 0.3)


@pytest.fixture
def clipped(make_run: Make, make_row: Make) -> Callable[..., RunData]:
    """Write a run of an unclipped row and of rows by granularity and bound, the bounds in no order."""

    def make(granularities: Sequence[str], bounds: Sequence[float] = BOUNDS, **options: Any) -> RunData:
        rows, asked = [make_row("fedavg")], [{"name": "fedavg", "strategy": "fedavg"}]
        for granularity in granularities:
            for bound in bounds:
                name = f"{granularity}-{bound:g}"
                rows.append(make_row(name, strategy="fedavg", protection="clipping", wer=0.1 + 0.01 / bound))
                settings = {"granularity": granularity, "clip_norm": bound, **options}
                asked.append({"name": name, "strategy": "fedavg", "protection": "clipping",
                              "protection_options": settings})  # fmt: skip
        folder: Path = make_run(rows, silos=2)
        (folder / "experiment.toml").write_text(tomli_w.dumps({"name": "clipping", "seed": 1, "compare": asked}))
        return read_run(folder)

    return make


def test_each_granularity_is_a_curve_over_rising_bounds(clipped: Callable[..., RunData]) -> None:
    run = clipped(["example", "silo"])
    assert [(curve.name, [bound for bound, _ in curve.points]) for curve in curves(run)] == [
        ("example", sorted(BOUNDS)), ("silo", sorted(BOUNDS))
    ]  # fmt: skip
    figure = wer_by_bound(run)
    assert figure is not None
    heights = [list(line.get_ydata()) for line in figure.axes[0].get_lines()]  # type: ignore[arg-type]
    assert pytest.approx([10 + 1 / bound for bound in sorted(BOUNDS)]) in heights


def test_what_a_strategy_protects_by_itself_is_no_line_without_clipping(make_run: Make, make_row: Make) -> None:
    private = make_row("dp", strategy="dp-fedavg", wer=0.3, epsilon=8.0, epsilon_kind="accountant")
    rows = [
        make_row("fedavg"),
        private,
        *(make_row(f"c{bound}", strategy="fedavg", protection="clipping", wer=0.2) for bound in (1, 2)),
    ]
    folder: Path = make_run(rows, silos=2)
    asked = [
        {"name": "fedavg", "strategy": "fedavg"},
        {"name": "dp", "strategy": "dp-fedavg"},
        *(
            {
                "name": f"c{bound}",
                "strategy": "fedavg",
                "protection": "clipping",
                "protection_options": {"clip_norm": bound},
            }
            for bound in (1, 2)
        ),
    ]
    (folder / "experiment.toml").write_text(tomli_w.dumps({"name": "clipping", "seed": 1, "compare": asked}))
    figure = wer_by_bound(read_run(folder))
    assert figure is not None
    named = [text.get_text() for box in figure.findobj(AnnotationBbox) for text in box.findobj(Text)]
    assert {"fedavg"} == {name.split()[0] for name in named if name} - {"example"}


def test_the_numbers_are_told_in_words(clipped: Callable[..., RunData]) -> None:
    (picture,) = clipping_picture(clipped(["core"], cores=2))
    assert "core 2: 20.0% at 0.1" in picture.description
    assert "nothing is promised" in picture.caption


@pytest.mark.parametrize("bounds", [[1.0], [1.0, float("inf")], []])
def test_one_finite_bound_makes_no_curve(clipped: Callable[..., RunData], bounds: list[float]) -> None:
    assert clipping_picture(clipped(["example"], bounds)) == []


def test_a_run_without_clipping_has_no_such_picture(make_run: Make) -> None:
    assert clipping_picture(read_run(make_run())) == []
