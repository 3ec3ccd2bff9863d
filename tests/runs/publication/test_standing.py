"""Which rows may be published, and what the page says of the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table

import fedasr
from fedasr.experiment.experiment import Experiment
from fedasr.report import read_run, write_page
from fedasr.runs.publication.standing import names, published, standing, withheld
from fedasr.runs.row_summary import RowSummary

Make = Callable[..., Any]
PROMISE = {"epsilon": 2.0, "delta": 1e-5, "privacy_unit": "silo", "adjacency": "replace-one"}


def one(**changes: Any) -> RowSummary:
    return RowSummary(**{"name": "a", "status": "finished", "strategy": "a", "folder": "a", **changes})


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"private_speech": True, **PROMISE, "epsilon_kind": "accountant"}, "promised"),
        ({"private_speech": True, **PROMISE, "epsilon_kind": "void"}, "unpromised"),
        ({"private_speech": True, **PROMISE, "epsilon_kind": "data-dependent"}, "unpromised"),
        ({"private_speech": True, "epsilon_kind": "void"}, "unpromised"),
        ({"private_speech": True}, "unpromised"),
        ({"private_speech": False}, "public"),
        ({"private_speech": False, "start_speech": "protected", "lineage": ("pate",)}, "public"),
        ({}, "unpromised"),
        ({"private_speech": True, "status": "failed"}, "unpromised"),
        ({"private_speech": True, "status": "failed", **PROMISE, "epsilon_kind": "accountant"}, "promised"),
    ],
)
def test_a_row_is_published_where_an_epsilon_holds_or_no_private_speech_was_heard(
    changes: dict[str, Any], found: str
) -> None:
    assert standing(one(**changes)) == found


@pytest.fixture
def mixed(make_run: Make, make_row: Make) -> Path:
    return make_run([
        make_row("public-only", private_speech=False), make_row("centralised", private_speech=True, wer=0.111),
        make_row("pate", private_speech=True, folder="pate@1", **PROMISE, epsilon_kind="data-independent"),
        make_row("pate", 2, private_speech=True, folder="pate@2", epsilon_kind="void"),
        make_row("old", private_speech=None),
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("promised", "lineage", "is_out"),
    [
        ("accountant", ("pate",), False),
        ("void", ("pate",), True),  # noise that can be drawn again: what was released then hides nothing
        ("accountant", (), True),  # the start was paid for in another run
        ("accountant", ("another",), True),
    ],
)
def test_what_rests_on_a_promise_is_published_only_beside_a_row_that_holds_it(
    make_run: Make, make_row: Make, promised: str, lineage: tuple[str, ...], is_out: bool
) -> None:
    run = make_run([
        make_row("pate", private_speech=True, **PROMISE, epsilon_kind=promised),
        make_row("after", private_speech=False, start_speech="protected", lineage=lineage),
    ])  # fmt: skip
    assert ("after" in [row.name for row in withheld(read_run(run))]) == is_out


def test_a_promise_of_another_seed_stands_for_nothing(make_run: Make, make_row: Make) -> None:
    run = make_run([
        make_row("pate", 1, private_speech=True, folder="pate@1", **PROMISE, epsilon_kind="accountant"),
        make_row("after", 2, private_speech=False, folder="after@2", start_speech="protected", lineage=("pate",)),
    ])  # fmt: skip
    assert [row.name for row in withheld(read_run(run))] == ["after"]


def test_the_rows_left_out_are_named_by_seed_where_one_of_them_stays(mixed: Path) -> None:
    data = read_run(mixed)
    assert [row.folder for row in published(data).rows] == ["public-only", "pate@1"]
    assert names(withheld(data), data) == ["centralised", "pate@2", "old"]


def test_the_page_says_which_rows_promise_nothing_and_a_release_is_written_without_them(mixed: Path) -> None:
    told = (
        "centralised and pate@2 learnt from the silos’ speech without a promise that holds; of old nobody can tell "
        "what speech had a part in it"
    )
    page = write_page(mixed).read_text()
    assert f"As a whole this report promises nothing (ε = ∞): {told}. With --release such" in page
    released = write_page(mixed, release=True).read_text()
    assert f"Left out, with all that was made of them: {told}." in released
    assert "11.1" in page
    assert "11.1" not in released


def test_where_nothing_is_promised_the_page_needs_no_word_of_it(make_run: Make, make_row: Make) -> None:
    assert "promises nothing" not in write_page(make_run([make_row("centralised")], silos=2)).read_text()


def test_a_decoder_learnt_on_private_text_is_in_every_row(mixed: Path) -> None:
    (mixed / "decoding.json").write_text('{"method": "lexicon", "whose": "3 are transcripts of silos"}')
    assert published(read_run(mixed)).rows == ()


def test_a_run_knows_which_rows_heard_private_speech(tmp_path: Path) -> None:
    rows = [
        {"name": "public-only", "strategy": "public-only"},
        {"name": "local-only", "strategy": "local-only"},
        {"name": "centralised", "strategy": "centralised", "central": {"epochs": 1}},
        {"name": "fedavg", "strategy": "fedavg"},
        {"name": "after", "strategy": "public-only", "start": "row:fedavg"},
        {"name": "after-public", "strategy": "public-only", "start": "row:public-only"},
        {"name": "failed", "strategy": "fedavg", "training": {"learning_rate": 1e30}},
    ]
    first = fedasr.run(Experiment.from_table(tiny_table(compare=rows)), grid="process", out=tmp_path / "run")
    heard = {row["name"]: row["private_speech"] for row in first.rows}
    assert {row["name"] for row in first.rows if row["status"] == "failed"} == {"failed"}
    assert heard.pop("failed") is not False
    public = {"public-only", "after-public"}
    assert heard == {name: name not in public for name in heard}
    for name, told in (("public-only", False), ("fedavg", True)):
        model = {"start": str(first.folder / name / "model.safetensors")}
        again = fedasr.run(
            Experiment.from_table(tiny_table(compare=rows[:1], model=model)), grid="process", out=tmp_path / name
        )
        assert again.rows[0]["private_speech"] is told
