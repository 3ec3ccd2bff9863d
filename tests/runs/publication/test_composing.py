"""What rows promise together: against exact composition at fifty digits, and whatever the order or the division."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.running import tiny_table

import fedasr
from fedasr.experiment.experiment import Experiment
from fedasr.privacy.accounting.promise import Planned, Promise
from fedasr.privacy.mechanisms.gaussian import GaussianSum, SampledGaussian
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax
from fedasr.runs.publication.composing import Promising, composed, publication_of
from fedasr.runs.publication.together import Together
from fedasr.runs.row_summary import RowSummary

DELTA = 1e-5
PLANS = st.lists(
    st.tuples(st.floats(0.5, 60.0).map(GNMax), st.integers(1, 400)), min_size=1, max_size=3, unique_by=lambda p: p[0]
).map(tuple)


def training(planned: Planned, name: str = "a", **changes: Any) -> Promising:
    made = {"unit": "silo", "adjacency": "replace-one", "delta": DELTA, **changes.pop("promise", {})}
    promise = Promise(**made, planned=planned)
    row = RowSummary(
        name, "finished", name, name, seed=changes.pop("seed", 1), epsilon=promise.epsilon, delta=promise.delta,
        privacy_unit=promise.unit, adjacency=promise.adjacency, epsilon_kind="accountant", epsilon_bound=promise.bound,
    )  # fmt: skip
    return Promising(replace(row, **changes), promise)


def one(*trainings: Promising) -> Together:
    (line,) = composed(trainings)
    return line


def exact(mu: float, delta: float = DELTA) -> float:
    """ε of the Gaussian mechanism of a parameter, by bisection at fifty digits."""
    with mpmath.workdps(50):
        mu = mpmath.mpf(mu)

        def reached(epsilon: Any) -> Any:
            return mpmath.ncdf(mu / 2 - epsilon / mu) - mpmath.exp(epsilon) * mpmath.ncdf(-mu / 2 - epsilon / mu)

        low, high = mpmath.mpf(0), mpmath.mpf(10000)
        for _ in range(120):
            middle = (low + high) / 2
            low, high = (middle, high) if reached(middle) > delta else (low, middle)
        return float(high)


@pytest.mark.parametrize(("seeds", "right"), [(1, 0.7416), (2, 1.0845), (3, 1.3560)])
def test_seeds_of_the_same_silos_are_paid_for_together(seeds: int, right: float) -> None:
    """Four rounds at the noise that once was planned for ε = 1: one seed's ε was printed for a page of several."""
    planned = ((SampledGaussian(19.602224741948934, 0.3, 1.0), 4),)
    line = one(*(training(planned, "dp-fedavg", seed=seed) for seed in range(1, seeds + 1)))
    assert line.epsilon == pytest.approx(right, abs=5e-5)
    assert line.epsilon == pytest.approx(exact(2 * math.sqrt(4 * seeds) / 19.602224741948934), abs=1e-6)
    assert (line.trainings, line.rows, line.bound) == (seeds, ("dp-fedavg",), "exact")


@settings(deadline=None)
@given(st.lists(PLANS, min_size=1, max_size=4), st.randoms())
def test_gaussian_releases_are_exact_together_in_any_order_and_never_less_than_one_of_them(
    plans: list[Planned], dice: Any
) -> None:
    trainings = [training(planned, f"row-{number}") for number, planned in enumerate(plans)]
    line = one(*trainings)
    mu = math.sqrt(math.fsum(count * 2 / mechanism.sigma**2 for planned in plans for mechanism, count in planned))
    assert line.epsilon == pytest.approx(exact(mu), rel=1e-6, abs=1e-6)
    assert line.epsilon is not None
    assert line.epsilon >= line.largest * (1 - 1e-9)
    shuffled = dice.sample(trainings, len(trainings))
    assert one(*shuffled).epsilon == pytest.approx(line.epsilon, rel=1e-9)


@settings(deadline=None)
@given(st.floats(0.5, 60.0), st.integers(2, 400), st.data())
def test_a_row_cut_in_two_promises_the_same(sigma: float, count: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(1, count - 1))
    parts = [training(((GNMax(sigma), some),), name) for name, some in (("a", part), ("b", count - part))]
    assert one(*parts).epsilon == pytest.approx(one(training(((GNMax(sigma), count),))).epsilon, rel=1e-9)


def test_unlike_units_and_adjacencies_are_not_added() -> None:
    silo, other = ((GNMax(20.0), 10),), ((GaussianSum(5.0), 3),)
    lines = composed([
        training(silo, "pate"), training(other, "dp-sgd", promise={"unit": "utterance", "adjacency": "add-remove"}),
        training(silo, "pate-2"), training(silo, "odd", promise={"adjacency": "add-remove"}),
    ])  # fmt: skip
    told = {(line.unit, line.adjacency): (line.rows, line.epsilon) for line in lines}
    assert {kind: rows for kind, (rows, _) in told.items()} == {
        ("silo", "replace-one"): ("pate", "pate-2"), ("utterance", "add-remove"): ("dp-sgd",),
        ("silo", "add-remove"): ("odd",),
    }  # fmt: skip
    assert told["silo", "replace-one"][1] == pytest.approx(exact(math.sqrt(2 * 20) / 20), rel=1e-6)


def test_unlike_deltas_are_composed_at_the_largest() -> None:
    line = one(training(((GNMax(20.0), 10),)), training(((GNMax(20.0), 10),), "b", promise={"delta": 1e-3}))
    assert line.delta == 1e-3
    assert line.epsilon == pytest.approx(exact(math.sqrt(2 * 20) / 20, 1e-3), rel=1e-6)


def test_a_row_that_begins_from_another_pays_for_that_one_once() -> None:
    first, more = ((GNMax(20.0), 10),), ((GNMax(20.0), 4), (GNMax(30.0), 7))
    parent = training(first, "parent")
    child = training(((GNMax(20.0), 14), (GNMax(30.0), 7)), "child", lineage=("parent",))
    other = training(((GNMax(20.0), 14), (GNMax(30.0), 7)), "other", lineage=("parent",))
    mu = math.sqrt(2 * 14 / 20**2 + 2 * 7 / 30**2)
    assert one(parent, child).epsilon == pytest.approx(exact(mu), rel=1e-6)
    assert one(child, parent, other).epsilon == pytest.approx(
        one(training(first), training(more, "b"), training(more, "c")).epsilon, rel=1e-9
    )
    elsewhere = replace(child, row=replace(child.row, seed=2))
    assert one(parent, elsewhere).epsilon > one(parent, child).epsilon, "another seed's parent is another row"


def test_a_row_whose_plan_is_not_known_leaves_nothing_that_holds() -> None:
    known = training(((GNMax(20.0), 10),))
    unknown = Promising(replace(known.row, name="old"), None)
    assert (one(known, unknown).epsilon, one(known, unknown).bound) == (None, None)
    assert one(unknown).epsilon == known.row.epsilon


def test_laplace_votes_and_gaussian_sums_compose_by_what_both_have() -> None:
    votes, sums = training(((LNMax(50.0), 20),)), training(((GNMax(20.0), 10),), "b")
    line = one(votes, sums)
    assert line.bound == "rdp"
    assert line.epsilon is not None
    assert line.epsilon >= max(votes.row.epsilon or 0.0, sums.row.epsilon or 0.0)


def draws_of(run: Path, population: str | None) -> list[RowSummary]:
    """Two draws of one row each, as they lie in a run folder; in the second one of the first's speakers is public."""
    rows = []
    for draw, private, public in ((1, "ab", "d"), (2, "bc", "a")):
        found = training(((GNMax(20.0), 10),), "pate", draw=draw, folder=f"draw-{draw}/pate", population=population)
        folder = run / found.row.folder
        folder.mkdir(parents=True)
        assert found.promise is not None
        (folder / "privacy.json").write_text(json.dumps({"promise": found.promise.fields()}))
        silos = [{"silo": 0, "speakers": list(private), "utterances": 2, "seconds": 2.0}]
        others = {"public_labelled": {"speakers": list(public), "utterances": 1, "seconds": 1.0}}
        (folder.parent / "partition.json").write_text(json.dumps({"rule": "speaker", "silos": silos, **others}))
        rows.append(found.row)
    return rows


def test_draws_of_one_corpus_are_paid_for_together_and_those_of_other_people_each_by_itself(tmp_path: Path) -> None:
    shared = publication_of(tmp_path / "one", draws_of(tmp_path / "one", None))
    (line,) = shared.together
    assert (line.draws, line.trainings, shared.crossed) == ((1, 2), 2, 1)
    assert line.epsilon == pytest.approx(exact(math.sqrt(2 * 20) / 20), rel=1e-6)
    rows = draws_of(tmp_path / "others", "each")
    apart = publication_of(tmp_path / "others", [replace(row, population=f"draw {row.draw}") for row in rows])
    assert [(line.draws, line.epsilon) for line in apart.together] == [((1,), rows[0].epsilon), ((2,), rows[1].epsilon)]
    assert apart.crossed == 0
    assert [apart.amended(row).epsilon_together for row in rows] == [row.epsilon for row in rows]


def test_summary_and_page_of_two_seeds_print_what_both_are(tmp_path: Path) -> None:
    """Through the whole run: planned for ε = 1, four rounds of four silos, two seeds."""
    private = {"name": "dp-fedavg", "strategy": "dp-fedavg", "options": {"epsilon": 1.0, "clip_norm": 0.3}}
    rows = [private, {"name": "fedavg", "strategy": "fedavg"}]
    table = tiny_table(compare=rows, seeds=[1, 2], training={"rounds": 4, "silos_per_round": 0})
    run = fedasr.run(Experiment.from_table(table), grid="process", out=tmp_path / "run")
    summary = json.loads((run.folder / "summary.json").read_text())
    (line,) = summary["together"]
    one_epsilon = {row["epsilon"] for row in summary["rows"] if row["name"] == "dp-fedavg"}
    assert len(one_epsilon) == 1
    mu = _mu_of(one_epsilon.pop())
    assert line["epsilon"] == pytest.approx(exact(math.sqrt(2) * mu), rel=1e-3)
    together = {row["folder"]: row["epsilon_together"] for row in summary["rows"]}
    assert together == {
        "dp-fedavg@1": line["epsilon"], "dp-fedavg@2": line["epsilon"], "fedavg@1": None, "fedavg@2": None,
    }  # fmt: skip
    assert [row["epsilon_together"] for row in run.rows] == [row["epsilon_together"] for row in summary["rows"]]


def _mu_of(epsilon: float) -> float:
    """The parameter at which one training has this ε: by bisection on the exact formula."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if exact(middle) < epsilon else (low, middle)
    return low
