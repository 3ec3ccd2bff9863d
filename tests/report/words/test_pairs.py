"""What the page says of two rows rests on the paired interval, and on nothing else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.made_up_runs import speakers

from fedasr.report import write_page
from fedasr.report.tables.comparison import table_rows
from fedasr.report.tables.pairs import pair_table, pair_tables
from fedasr.report.tables.plain import plain_table
from fedasr.report.words.findings import findings
from fedasr.report.words.groups import groups, paired
from fedasr.report.words.pairs import worse_than_start
from fedasr.runs.reading import read_run

Make = Callable[..., Any]


@pytest.fixture
def make_seeds(make_run: Make, make_row: Make) -> Make:
    """Return a function that writes a run: for each row the WER of each seed."""

    def make(rows: dict[str, Sequence[float]], **changes: Any) -> Path:
        return make_run([
            make_row(name, seed, folder=f"{name}@{seed}", wer=wer, **changes)
            for name, wers in rows.items() for seed, wer in enumerate(wers, start=1)
        ], silos=2)  # fmt: skip

    return make


def test_a_winner_is_called_where_paired_intervals_say_so_though_rates_overlap(make_seeds: Make) -> None:
    folder = make_seeds({"bmuf": (0.20, 0.21, 0.205), "fedavg": (0.24, 0.25, 0.245)})
    run = read_run(folder)
    one, other = groups(run)
    first, second = one.wer(), other.wer()
    assert first is not None
    assert second is not None
    assert first.high > second.low, "the rates' intervals overlap"  # type: ignore[operator]
    assert findings(run).startswith("Best is bmuf with 20.5% word errors (95% interval ")
    assert "3 seeds); paired by speaker, it is better than fedavg." in findings(run)


def test_a_row_that_learns_from_a_teacher_competes_and_is_no_ceiling(make_run: Make, make_row: Make) -> None:
    rows = [
        make_row("alone", strategy="public-only", rounds=200, wer=0.4),
        make_row("student", strategy="centralised", objective="interleaved", wer=0.3),
        make_row("true", strategy="centralised", wer=0.2),
        make_row("teacher", strategy="public-only", role="teacher", wer=0.35),
    ]
    text = findings(read_run(make_run(rows)))
    assert "student (30.0%) closes 50% of the gap between alone (40.0%) and true (20.0%)." in text


@pytest.mark.parametrize(
    ("start", "is_start"), [({"rounds": 0}, True), ({"rounds": 20}, False), ({"rounds": 0, "role": "teacher"}, False)]
)
def test_the_start_is_a_row_that_trained_nothing_and_has_the_common_shape(
    make_run: Make, make_row: Make, start: dict[str, Any], is_start: bool
) -> None:
    rows = [make_row("start", strategy="public-only", wer=0.2, **start), make_row("worse", wer=0.4)]
    everyone = groups(read_run(make_run(rows)))
    assert (worse_than_start(everyone[1], everyone) is not None) == is_start


def test_a_row_that_is_not_told_apart_is_named(make_seeds: Make) -> None:
    text = findings(read_run(make_seeds({"a": (0.20, 0.25, 0.22), "b": (0.24, 0.21, 0.23), "c": (0.5, 0.52, 0.51)})))
    assert text.startswith("Lowest is a with ")
    assert "paired by speaker, it is better than c, not told apart from b." in text


@pytest.mark.parametrize(("seeds", "words"), [
    (1, "with one seed the noise of training is not in the interval, and no winner is called"),
    (2, "with two seeds the noise of training is hardly known, and no winner is called"),
])  # fmt: skip
def test_with_fewer_than_three_seeds_no_winner_is_called(make_seeds: Make, seeds: int, words: str) -> None:
    folder = make_seeds({"a": (0.05,) * seeds, "b": (0.5,) * seeds})
    assert words in findings(read_run(folder))
    assert "Best" not in findings(read_run(folder))
    found = pair_table(read_run(folder))
    assert found is not None
    assert words[1:] in found.note
    assert not any(cell.is_decided for _, cells in found.rows for cell in cells)
    assert "<strong>0.1" not in write_page(folder).read_text()


def test_a_seed_that_failed_in_one_row_is_paired_in_neither(make_seeds: Make) -> None:
    folder = make_seeds({"a": (0.1, 0.2, 0.3), "b": (0.1, 0.2, 0.9)})
    summary = json.loads((folder / "summary.json").read_text())
    summary["rows"][2] |= {"status": "failed", "failure": "disk full", "wer": None}
    (folder / "summary.json").write_text(json.dumps(summary))
    found = paired(*groups(read_run(folder)))
    assert found is not None
    assert (found.value, found.trainings) == (1.0, 2)


def test_the_ratios_of_the_page_are_those_of_the_errors(make_seeds: Make) -> None:
    """One seed: log ratio by the influence of each speaker, computed here in plain NumPy."""
    folder = make_seeds({"a": (0.2,), "b": (0.3,), "c": (0.3,)})
    (folder / "b@1/speakers.json").write_text(json.dumps(speakers(0.3)[::-1]))  # by name, not by place
    uneven = [{**s, "errors": e} for s, e in zip(speakers(0.3), (41, 12, 33, 9, 55, 20, 17, 60), strict=True)]
    (folder / "c@1/speakers.json").write_text(json.dumps(uneven))
    found = pair_table(read_run(folder))
    assert found is not None
    texts = {(row, column): cell.text for row, cells in found.rows
             for column, cell in zip(found.columns, cells, strict=True)}  # fmt: skip
    errors = {"a": [s["errors"] for s in speakers(0.2)], "c": [s["errors"] for s in uneven]}
    one, other = (np.array(errors[name], float) for name in "ac")
    moved = one / one.sum() - other / other.sum()
    half = stats.t.ppf(0.975, 7) * math.sqrt(8 * 8 / 7) * moved.std(ddof=1)
    ratio = one.sum() / other.sum()
    assert texts["a", "c"] == f"{ratio:.2f} ({ratio * math.exp(-half):.2f}–{ratio * math.exp(half):.2f})"
    assert texts["a", "a"] == ""
    assert texts["a", "b"].startswith("0.67 (")


def test_a_row_worse_than_the_start_is_remarked(make_seeds: Make) -> None:
    folder = make_seeds({"public-only": (0.2, 0.2, 0.2), "fedavg": (0.26, 0.27, 0.265), "bmuf": (0.2, 0.21, 0.19)})
    notes = {row.cells[0].text: row.notes for row in table_rows(read_run(folder))}
    assert re.fullmatch(r"worse than the start \(public-only\): 1\.3\d \([\d.]+–[\d.]+\) times its word errors, paired",
                        notes["fedavg"][0])  # fmt: skip
    assert notes["bmuf"] == notes["public-only"] == ()
    assert "fedavg: worse than the start" in plain_table(read_run(folder))


def test_with_one_seed_the_remark_says_what_it_does_not_hold(make_seeds: Make) -> None:
    folder = make_seeds({"public-only": (0.2,), "fedavg": (0.27,)})
    assert table_rows(read_run(folder))[1].notes[0].endswith("paired; the noise of training is not in it")


@pytest.mark.parametrize(("apart", "told"), [(True, (24, 3, 3)), (False, (8, 3, 3))], ids=["rendered", "one corpus"])
def test_draws_of_rendered_speech_have_other_speakers_of_the_same_names(
    make_run: Make, make_row: Make, apart: bool, told: tuple[int, int, int]
) -> None:
    rows = [
        make_row("a", draw, draw=draw, folder=f"a-{draw}", wer=wer, population=f"rendered {draw}" if apart else None)
        for draw, wer in ((1, 0.2), (2, 0.3), (3, 0.25))
    ]
    run = read_run(make_run(rows, silos=2))
    found = groups(run)[0].wer()
    assert found is not None
    assert (found.speakers, found.draws, found.trainings) == told
    assert "3 draws" in plain_table(run)


def test_many_rows_stand_beside_the_lowest_alone(make_run: Make, make_row: Make) -> None:
    rows = [make_row(f"row{number:02}", wer=0.5 - 0.01 * number) for number in range(18)]
    found = pair_table(read_run(make_run(rows, silos=2)))
    assert found is not None
    assert found.columns == ("row17",)
    assert len(found.rows) == 18


def test_one_scored_row_has_no_pairs(make_run: Make, make_row: Make) -> None:
    assert pair_table(read_run(make_run([make_row("fedavg")], silos=2))) is None


def test_own_speakers_are_paired_too_but_not_in_a_release(make_seeds: Make) -> None:
    folder = make_seeds({"a": (0.2,), "b": (0.4,)})
    for name, wer in (("a", 0.5), ("b", 0.25)):
        path = folder / f"{name}@1/speakers.json"
        own = [{**score, "of": "own speakers"} for score in speakers(wer)]
        path.write_text(json.dumps([*json.loads(path.read_text()), *own]))
    run = read_run(folder)
    texts = {found.of: found.rows[0][1][1].text for found in pair_tables(run)}
    assert texts["new speakers"].startswith("0.50 (")
    assert texts["own speakers"].startswith("2.00 (")
    assert [found.of for found in pair_tables(run, release=True)] == ["new speakers"]
    assert "Rows beside each other, own speakers" not in write_page(folder, release=True).read_text()
