from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fedasr.report import figures
from fedasr.report.pictures.order import pictures
from fedasr.report.pictures.privacy.figure import wer_by_epsilon
from fedasr.report.pictures.privacy.panels import LARGEST_EPSILON, PrivacyPanel, panels
from fedasr.report.words.promises import mechanism_of, stem, strategy_name
from fedasr.runs.data import RunData
from fedasr.runs.reading import read_run

Make = Callable[..., Any]
EPSILONS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def promise(epsilon: float, **changes: Any) -> dict[str, Any]:
    values = {
        "epsilon": epsilon, "delta": 1e-5, "privacy_unit": "silo", "adjacency": "replace-one",
        "epsilon_kind": "data-independent",
    }  # fmt: skip
    return {**values, **changes}


@pytest.fixture
def three_mechanisms(make_row: Make) -> list[dict[str, Any]]:
    """Three curves over ε, the rows in no order, and the two references."""
    families = (("pate-lnmax", "pate", "lnmax"), ("pate-gnmax", "pate", "gnmax"), ("dp-fedavg", "dp-fedavg", None))
    curves = [
        make_row(f"{name}-{epsilon:g}", strategy=strategy, mechanism=mechanism, wer=0.3 - 0.01 * epsilon,
                 **promise(epsilon))
        for epsilon in reversed(EPSILONS) for name, strategy, mechanism in families
    ]  # fmt: skip
    return [make_row("public-only"), make_row("centralised"), make_row("local-only"), *curves]


def only(run: RunData) -> PrivacyPanel:
    (panel,) = panels(run)
    return panel


def curves(figure: Figure) -> list[tuple[list[float], list[float]]]:
    lines = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 2]  # type: ignore[arg-type]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in lines]  # type: ignore[arg-type]


def captions(run: RunData) -> dict[str, str]:
    return {picture.key: picture.caption for picture in pictures(run) if picture.key.startswith("privacy")}


def test_each_mechanism_is_a_curve_over_rising_epsilon(make_run: Make, three_mechanisms: list[Any]) -> None:
    run = read_run(make_run(three_mechanisms, silos=2))
    panel = only(run)
    assert [family.name for family in panel.families] == ["pate-lnmax", "pate-gnmax", "dp-fedavg"]
    figure = wer_by_epsilon(run, panel)
    assert figure.axes[0].get_xscale() == "log"
    assert len(curves(figure)) == 3
    for places, wers in curves(figure):
        assert places == list(EPSILONS)
        assert wers == pytest.approx([100 * (0.3 - 0.01 * epsilon) for epsilon in EPSILONS])


def test_curves_at_the_same_epsilon_stand_apart_and_never_left(make_run: Make, three_mechanisms: list[Any]) -> None:
    run = read_run(make_run(three_mechanisms, silos=2))
    figure = wer_by_epsilon(run, only(run))
    figure.draw_without_rendering()  # type: ignore[no-untyped-call]
    axes = figure.axes[0]
    lines = [line for line in axes.get_lines() if len(line.get_xdata()) > 2]  # type: ignore[arg-type]
    drawn = [line.get_transform().transform((1.0, 20.0))[0] for line in lines]
    true = axes.transData.transform((1.0, 20.0))[0]
    assert drawn[0] == pytest.approx(true)
    assert true < drawn[1] < drawn[2] < true + 0.05 * axes.bbox.width


def test_references_are_horizontal_lines_and_local_models_are_not_drawn(
    make_run: Make, three_mechanisms: list[Any]
) -> None:
    run = read_run(make_run(three_mechanisms, silos=2))
    assert [group.name for group in only(run).flat] == ["public-only", "centralised"]
    flat = [line for line in wer_by_epsilon(run, only(run)).axes[0].get_lines() if line.get_linestyle() == "--"]
    heights = [float(line.get_ydata()[0]) for line in flat]  # type: ignore[index,arg-type]
    assert heights == pytest.approx([41.0, 12.3])
    caption = captions(run)["privacy-silo"]
    assert "public-only used no private speech (ε = 0) and centralised pooled it without any privacy" in caption


def test_unit_adjacency_delta_and_kind_are_said(make_run: Make, make_row: Make) -> None:
    rows = [
        make_row("pate-4", strategy="pate", **promise(4.0)),
        make_row("pate-2", strategy="pate", **promise(2.0)),
        make_row("dp-fedavg", **promise(3.0, epsilon_kind="accountant", delta=1e-6)),
    ]
    folder = make_run(rows, silos=2)
    figure = figures(folder)["privacy-silo"]
    assert figure.axes[0].get_xlabel() == "ε per silo (replace-one, δ from 1e-6 to 1e-5)"
    caption = captions(read_run(folder))["privacy-silo"]
    assert "the data-independent bound (pate)" in caption
    assert "by the accountant (dp-fedavg)" in caption
    assert "1e-5 for pate-2 and pate-4; 1e-6 for dp-fedavg" in caption


def test_no_picture_mixes_units_or_adjacencies(make_run: Make, make_row: Make) -> None:
    choices = [("silo", "replace-one"), ("utterance", "replace-one"), ("utterance", "add-remove")]
    rows = [
        make_row(f"{unit}-{adjacency}-{epsilon}", strategy="pate",
                 **promise(epsilon, privacy_unit=unit, adjacency=adjacency))
        for unit, adjacency in choices for epsilon in (1, 2)
    ]  # fmt: skip
    run = read_run(make_run(rows, silos=2))
    assert [(panel.unit, panel.adjacency) for panel in panels(run)] == choices
    for panel in panels(run):
        assert {(p.promise.unit, p.promise.adjacency) for p in panel.points} == {(panel.unit, panel.adjacency)}
        assert len(panel.points) == 2
    assert set(captions(run)) == {"privacy-silo", "privacy-utterance-replace-one", "privacy-utterance-add-remove"}


def test_void_rows_are_hollow_and_joined_to_no_promise(make_run: Make, make_row: Make) -> None:
    rows = [
        make_row(f"pate-{epsilon}", strategy="pate", wer=0.2, **promise(epsilon, epsilon_kind=kind))
        for epsilon, kind in ((1, "data-independent"), (2, "void"), (4, "data-independent"))
    ]
    run = read_run(make_run(rows, silos=2))
    assert [(family.name, len(family.points)) for family in only(run).families] == [("pate", 2), ("pate-2, void", 1)]
    dots = [
        line for line in wer_by_epsilon(run, only(run)).axes[0].get_lines() if line.get_marker() not in ("None", "")
    ]
    hollow = [dot.get_xdata()[0] for dot in dots if to_hex(dot.get_markerfacecolor()) == "#ffffff"]  # type: ignore
    assert len(dots) == 3
    assert hollow == [2.0]
    assert "void, no guarantee (pate-2)" in captions(run)["privacy-silo"]


@pytest.mark.parametrize("changes", [{"epsilon_kind": "data-dependent"}, {"epsilon": 0.0}, {"wer": None}])
def test_what_is_no_guarantee_or_has_no_place_is_not_drawn(
    make_run: Make, make_row: Make, changes: dict[str, Any]
) -> None:
    run = read_run(make_run([make_row("pate", **{**promise(0.5), **changes})], silos=2))
    assert panels(run) == []
    assert captions(run) == {}


def test_an_absurd_epsilon_does_not_squeeze_the_axis(make_run: Make, make_row: Make) -> None:
    pairs = (("pate-4", 4.0), ("pate-2", 2.0), ("noiseless", 6.05e7))
    rows = [make_row(name, strategy=name[:4], **promise(epsilon)) for name, epsilon in pairs]
    run = read_run(make_run(rows, silos=2))
    axes = wer_by_epsilon(run, only(run)).axes[0]
    assert axes.get_xlim()[1] < 2 * LARGEST_EPSILON
    assert [line.get_xdata()[0] for line in axes.get_lines() if line.get_marker() == ">"] == [1000.0]  # type: ignore
    assert "as good as no promise: noiseless (6.05e7)" in captions(run)["privacy-silo"]


def test_seeds_count_with_their_largest_epsilon(make_run: Make, make_row: Make) -> None:
    rows = [
        make_row("pate", seed, folder=f"pate@{seed}", wer=wer, **promise(epsilon))
        for seed, wer, epsilon in ((1, 0.2, 3.0), (2, 0.3, 4.5))
    ]
    (point,) = only(read_run(make_run(rows, silos=2))).points
    assert (point.promise.epsilon, point.wer) == (4.5, pytest.approx(0.25))


def test_names_of_families() -> None:
    names = ("pate-lnmax-0.5", "pate-lnmax-eps32", "lnmax 8", "dp_sgd_e8", "8", "dp-sgd")
    assert [stem(name) for name in names] == ["pate-lnmax", "pate-lnmax", "lnmax", "dp_sgd", "8", "dp-sgd"]
    assert strategy_name("fedasr.strategies.dp_fedavg:DPFedAvg") == "dp-fedavg"
    assert strategy_name("pate") == "pate"


def test_a_row_without_a_mechanism_takes_that_of_its_ledger(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("pate", **promise(4.0)), make_row("fedavg")], silos=2)
    ledger = [{"mechanism": {"kind": kind}, "count": 1} for kind in ("threshold", "gnmax", "gnmax")]
    (folder / "pate/privacy.json").write_text(json.dumps({"ledger": ledger}))
    assert [mechanism_of(row) for row in read_run(folder).rows] == ["gnmax + threshold", ""]


def test_no_promise_no_picture(make_run: Make) -> None:
    assert captions(read_run(make_run())) == {}


def test_single_points_are_no_picture(make_run: Make, make_row: Make) -> None:
    rows = [make_row(name, **promise(epsilon)) for name, epsilon in (("pate", 2.0), ("dp-fedavg", 8.0))]
    assert captions(read_run(make_run(rows, silos=2))) == {}
