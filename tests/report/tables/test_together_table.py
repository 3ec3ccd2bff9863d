"""What is promised together, on the page, in the terminal and in a release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedasr.report import plain_table, read_run, write_page
from fedasr.report.tables.comparison import HEADINGS, table_rows
from fedasr.report.tables.together import TOGETHER_HEADINGS, together_rows
from fedasr.runs.data import RowData, RunData
from fedasr.runs.filling import filled

Make = Callable[..., Any]
SILO = {
    "unit": "silo", "adjacency": "replace-one", "rows": ["pate", "dp-fedavg"], "trainings": 4, "draws": [],
    "delta": 1e-5, "epsilon": 1.08449, "bound": "exact", "largest": 0.7416,
}  # fmt: skip
UTTERANCE = {
    **SILO, "unit": "utterance", "adjacency": "add-remove", "rows": ["dp-sgd"], "trainings": 1, "epsilon": 2.0,
    "bound": "pld", "largest": 2.0,
}  # fmt: skip
PROMISE = {
    "delta": 1e-5, "privacy_unit": "silo", "adjacency": "replace-one", "epsilon_kind": "accountant", "epsilon": 0.7416,
    "private_speech": True, "epsilon_together": 1.08449,
}  # fmt: skip


@pytest.fixture
def make_private(make_run: Make, make_row: Make) -> Callable[..., Path]:
    def make(*lines: dict[str, Any], **summary: Any) -> Path:
        rows = [make_row(n, seed, folder=f"{n}@{seed}", **PROMISE) for n in ("pate", "dp-fedavg") for seed in (1, 2)]
        rows += [make_row("public-only", private_speech=False)]
        return Path(make_run([*rows, *summary.pop("more", [])], silos=3, together=list(lines), **summary))

    return make


def cells(folder: Path) -> list[dict[str, str]]:
    return [dict(zip(TOGETHER_HEADINGS, map(str, row), strict=True)) for row in together_rows(read_run(folder))]


def test_a_line_says_whose_it_is_and_an_epsilon_is_rounded_up(make_private: Callable[..., Path]) -> None:
    silo, utterance = cells(make_private(SILO, UTTERANCE))
    assert silo == {
        "per": "silo (replace-one)", "trainings": "4", "rows": "pate, dp-fedavg", "ε together": "1.09", "δ": "1e-5",
        "largest ε of one": "0.742", "bound": "exact composition",
    }  # fmt: skip
    assert (utterance["per"], utterance["rows"]) == ("utterance (add-remove)", "dp-sgd")


def test_page_release_and_terminal_print_it(make_private: Callable[..., Path]) -> None:
    folder = make_private(SILO)
    for release in (False, True):
        page = write_page(folder, release).read_text()
        assert "What is promised together" in page
        assert '<td class="number">1.09</td>' in page
    said = "Published together, 4 trainings of pate and dp-fedavg promise epsilon = 1.09 per silo (replace-one, "
    assert said + "delta = 1e-5)." in plain_table(read_run(folder))
    cell = str(table_rows(read_run(folder))[0].cells[HEADINGS.index("epsilon")])
    assert cell == "0.742 (per silo, δ=1e-5, replace-one, accountant, together 1.09)"


def test_what_nothing_bounds_is_infinite(make_private: Callable[..., Path]) -> None:
    assert cells(make_private({**SILO, "epsilon": None, "bound": None}))[0]["ε together"] == "∞"


def test_of_draws_with_speakers_of_their_own_the_largest_stands_for_each(make_private: Callable[..., Path]) -> None:
    draws = [{**SILO, "draws": [draw], "epsilon": 1.0 + draw / 10} for draw in (1, 3, 2)]
    (line,) = cells(make_private(*draws))
    assert (line["ε together"], line["trainings"]) == ("1.3", "4 (in each of 3 draws, other speakers in each)")


def test_draws_of_the_same_speakers_are_one_line_and_no_release(make_private: Callable[..., Path]) -> None:
    folder = make_private({**SILO, "draws": [1, 2]}, crossed=7)
    (line,) = cells(folder)
    assert (line["per"], line["trainings"]) == ("silo (replace-one, one in each draw)", "4 (in 2 draws)")
    told = "The draws are trials on one corpus: 7 speakers whose speech a silo of one draw holds are public, or scored"
    page = write_page(folder).read_text()
    assert told in page
    assert "All draws together promise them nothing (ε = ∞)" in page
    released = write_page(folder, release=True).read_text()
    assert told in released
    assert "All rows are left out" in released
    assert '<th scope="row">' not in released[released.index('id="comparison"') : released.index('id="figures"')]


def test_the_terminal_names_the_rows_that_promise_nothing(make_private: Callable[..., Path], make_row: Make) -> None:
    text = plain_table(read_run(make_private(SILO, more=[make_row("fedavg", private_speech=True)])))
    told = (
        "As a whole this report promises nothing (epsilon = infinite): fedavg learnt from the silos' speech without a"
    )
    assert told in text


def test_a_picture_of_epsilon_says_that_each_is_one_models(make_private: Callable[..., Path], make_row: Make) -> None:
    another = make_row("pate-2", strategy="pate", **{**PROMISE, "epsilon": 2.0})
    assert "Each ε is that of one model" in write_page(make_private(SILO, more=[another])).read_text()


def test_a_row_without_private_speech_costs_nothing(make_private: Callable[..., Path], make_row: Make) -> None:
    after = make_row("after", private_speech=False, lineage=["pate"], start_speech="protected")
    rows = table_rows(read_run(make_private(SILO, more=[after])))
    told = {row.cells[0].text: str(row.cells[HEADINGS.index("epsilon")]) for row in rows}
    assert (told["public-only"], told["after"]) == ("0 (no private speech)", "none promised")


def test_public_speech_of_one_draw_may_be_private_in_another(make_row: Make) -> None:
    for population, told in ((None, "none promised"), ("draw", "0 (no private speech)")):
        rows = [
            make_row("public-only", private_speech=False, draw=draw, folder=f"draw-{draw}/public-only",
                     population=population and f"draw {draw}")
            for draw in (1, 2)
        ]  # fmt: skip
        data = RunData("an4", 1, "", tuple(filled(RowData, row) for row in rows))
        assert str(table_rows(data)[0].cells[HEADINGS.index("epsilon")]) == told
