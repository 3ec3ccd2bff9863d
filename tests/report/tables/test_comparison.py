from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.made_up_runs import speakers

from fedasr.comparison.intervals import rate_interval
from fedasr.comparison.model_errors import ModelErrors
from fedasr.report.tables.comparison import HEADINGS, table_rows
from fedasr.report.tables.plain import plain_table, table
from fedasr.report.words.findings import findings
from fedasr.runs.reading import read_run

Make = Callable[..., Any]


def shown(folder: Path, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table(read_run(folder)))
    return console.file.getvalue()  # type: ignore[attr-defined]


def cells(folder: Path, row: int = 0) -> dict[str, str]:
    found = table_rows(read_run(folder))[row].cells
    return dict(zip(HEADINGS, map(str, found), strict=True))


def test_a_row_in_words(make_run: Make, make_row: Make) -> None:
    assert cells(make_run([make_row("fedavg")])) == {
        "row": "fedavg", "WER %": "23.7 (20.4–27.7)", "own %": "–", "CER %": "9.5", "epsilon": "none promised",
        "up": "4.1 GB", "down": "4.3 GB", "rounds": "30", "silos": "60", "time": "5 min 10 s",
        "memory": "1.9 GB",
    }  # fmt: skip


def test_seeds_are_grouped_and_their_errors_pooled(make_run: Make, make_row: Make) -> None:
    rows = [make_row("fedavg", seed, folder=f"fedavg@{seed}", wer=wer) for seed, wer in ((1, 0.2), (2, 0.3), (3, 0.25))]
    folder = make_run([*rows, make_row("public-only")])
    assert len(table_rows(read_run(folder))) == 2
    counted = [
        ModelErrors(0, seed, tuple((s["speaker"], s["errors"], s["words"]) for s in speakers(wer)))
        for seed, wer in ((1, 0.2), (2, 0.3), (3, 0.25))
    ]
    expected = rate_interval(counted)
    assert expected is not None
    assert expected.low is not None
    assert expected.high is not None
    assert expected.value == pytest.approx(0.25)
    ends = f"{100 * expected.low:.1f}–{100 * expected.high:.1f}"
    assert cells(folder)["WER %"] == f"25.0 ({ends}, 3 seeds)"


def test_seeds_without_errors_by_speaker_have_a_mean_and_no_interval(make_run: Make, make_row: Make) -> None:
    rows = [make_row("fedavg", seed, folder=f"fedavg@{seed}", wer=wer) for seed, wer in ((1, 0.2), (2, 0.3))]
    folder = make_run(rows)
    (folder / "fedavg@2/speakers.json").unlink()
    assert cells(folder)["WER %"] == "25.0 (2 seeds)"


def test_the_lowest_wer_is_marked(make_run: Make) -> None:
    assert [row.best for row in table_rows(read_run(make_run()))] == [True, False, False, False, False]


def test_failed_rows_show_their_failure(make_run: Make, make_row: Make, make_failed_row: Make) -> None:
    folder = make_run([make_row("fedavg"), make_failed_row("gtc", "round 3: 2 silos left, 10 needed")])
    assert cells(folder, 1)["WER %"] == "failed"
    for text in (plain_table(read_run(folder)), shown(folder)):
        assert "gtc: failed: round 3: 2 silos left, 10 needed" in text
    assert "1 row failed, wholly or in part: gtc." in findings(read_run(folder))


def test_one_failed_seed_does_not_hide_the_others(make_run: Make, make_row: Make, make_failed_row: Make) -> None:
    folder = make_run([make_row("fedavg"), {**make_failed_row("fedavg", "disk full"), "seed": 2, "folder": "fedavg@2"}])
    row = table_rows(read_run(folder))[0]
    assert str(row.cells[1]) == "23.7 (20.4–27.7)"
    assert row.failures == ("seed 2: disk full",)


def test_no_test_speakers(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg", wer=None, wer_low=None, wer_high=None, cer=None)])
    assert cells(folder)["WER %"] == "no test speakers"
    assert cells(folder)["CER %"] == "–"
    assert "No speakers were held out" in findings(read_run(folder))


def test_a_promise_is_told_with_its_unit_and_the_weakest_seed_counts(make_run: Make, make_row: Make) -> None:
    promise = {
        "delta": 1e-5,
        "privacy_unit": "speaker",
        "adjacency": "add-remove",
        "epsilon_kind": "accountant",
    }
    rows = [
        make_row("dpsgd", seed, folder=f"dpsgd@{seed}", epsilon=epsilon, **promise)
        for seed, epsilon in ((1, 2.0), (2, 3.21))
    ]
    folder = make_run(rows)
    assert cells(folder)["epsilon"] == "3.21 (per speaker, δ=1e-5, add-remove, accountant)"
    assert "dpsgd: epsilon 3.21 per speaker, δ=1e-5, add-remove, accountant" in " ".join(shown(folder).split())


def test_a_void_promise_shows_no_number(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("dpsgd", epsilon=3.21, epsilon_kind="void", privacy_unit="silo")])
    assert cells(folder)["epsilon"] == "void (no guarantee, per silo)"
    assert "3.21" not in plain_table(read_run(folder))
    assert "no guarantee" in shown(folder)


def test_one_void_seed_takes_the_promise_from_all(make_run: Make, make_row: Make) -> None:
    kinds = ((1, "accountant", 9.0), (2, "void", 1.0), (3, "accountant", 2.0))
    rows = [
        make_row("dpsgd", seed, folder=f"dpsgd@{seed}", epsilon=epsilon, epsilon_kind=kind)
        for seed, kind, epsilon in kinds
    ]
    assert cells(make_run(rows))["epsilon"] == "void (no guarantee)"


def test_an_unsanitised_data_dependent_epsilon_is_no_guarantee(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("pate", epsilon=0.552, epsilon_kind="data-dependent", privacy_unit="silo")])
    assert cells(folder)["epsilon"] == "none promised (no guarantee, per silo, data-dependent)"
    assert "0.55" not in plain_table(read_run(folder))
    assert "without a guarantee of privacy" in findings(read_run(folder))


def test_epsilon_and_delta_are_rounded_up_and_the_audit_down(make_run: Make, make_row: Make) -> None:
    promise = {"epsilon": 7.151, "delta": 1.001e-5, "epsilon_empirical": 1.239, "privacy_unit": "silo"}
    assert cells(make_run([make_row("pate", **promise)]))["epsilon"] == "7.16 (per silo, δ=1.01e-5, audit ≥ 1.23)"


def test_a_private_row_of_a_reference_strategy_competes(make_run: Make, make_row: Make) -> None:
    private = {"epsilon": 8.0, "privacy_unit": "utterance", "adjacency": "add-remove", "epsilon_kind": "accountant"}
    rows = [make_row("dp-sgd", strategy="centralised", wer=0.2, **private), make_row("centralised")]
    text = findings(read_run(make_run([*rows, make_row("public-only")])))
    # (41.0 - 20.0) / (41.0 - 12.3) = 0.732
    assert "dp-sgd (20.0%, ε = 8 per utterance) closes 73% of the gap" in text


def test_zero_epsilon_is_a_promise(make_run: Make, make_row: Make) -> None:
    assert cells(make_run([make_row("dpsgd", epsilon=0.0, privacy_unit="silo")]))["epsilon"] == "0 (per silo)"


def test_the_terminal_table_fits_80_columns(make_run: Make) -> None:
    text = shown(make_run())
    assert "memory" in text
    assert "…" not in text
    assert text.count("1.9 GB") == 5
    assert "10.6–14.4" in text


def test_the_plain_table_is_ascii_and_aligned(make_run: Make) -> None:
    text = plain_table(read_run(make_run()))
    assert text.isascii()
    lines = text.splitlines()[:6]
    remark = text.splitlines()[6]
    assert remark.startswith("local-only: worse than the start")
    assert remark.endswith("each of its models is one silo's own, and new speakers are strangers to it")
    assert {line.index(" GB", 60) for line in lines[4:]} == {lines[4].index(" GB", 60)}


def test_spread_over_silos_is_left_out_of_a_release(make_run: Make) -> None:
    run = read_run(make_run())
    assert "silos 31–93" in str(table_rows(run)[1].cells[1])
    assert "silos" not in str(table_rows(run, release=True)[1].cells[1])


def test_refused_replies_and_notes_are_told(make_run: Make, make_row: Make) -> None:
    text = plain_table(
        read_run(make_run([make_row("fedavg", refused_replies=4, dropped_replies=7, note="stopped early")]))
    )
    assert "fedavg: stopped early" in text
    assert "fedavg: 4 replies refused" in text
    assert "fedavg: 7 replies missing of silos that the simulated network let drop out" in text


def test_findings_name_the_lowest_and_the_gap(make_run: Make) -> None:
    text = findings(read_run(make_run()))
    assert text.startswith(
        "Lowest is centralised with 12.3% word errors (95% interval 10.6 to 14.4%); with one seed the noise of "
        "training is not in the interval, and no winner is called."
    )
    # (41.0 - 23.7) / (41.0 - 12.3) = 0.603
    assert "fedavg (23.7%) closes 60% of the gap between public-only (41.0%) and centralised (12.3%)." in text


def test_findings_name_all_rows_of_the_lowest_rate(make_run: Make, make_row: Make) -> None:
    private = make_row("bmuf", wer=0.2, epsilon=8.0, epsilon_kind="accountant")
    told = findings(read_run(make_run([make_row("fedavg", wer=0.2), private, make_row("gtc", wer=0.3)])))
    assert told.startswith("Lowest are fedavg (95% interval "), told
    assert re.search(r" and bmuf \(95% interval [0-9.]+ to [0-9.]+%, ε = 8 per [a-z ]+\), each with 20\.0%", told)
    assert told.count("with one seed the noise of training is not in the interval") == 1


def test_findings_do_not_praise_what_is_worse(make_run: Make, make_row: Make) -> None:
    names = [make_row("centralised"), make_row("public-only"), make_row("fedavg", wer=0.5)]
    assert "fedavg (50.0%) makes more word errors than public-only (41.0%)" in findings(read_run(make_run(names)))


def test_findings_say_where_there_is_no_gap(make_run: Make, make_row: Make) -> None:
    rows = [make_row("centralised", wer=0.45), make_row("public-only"), make_row("fedavg")]
    assert "no gap to close" in findings(read_run(make_run(rows)))


def test_one_test_speaker_has_a_rate_and_no_interval(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg", wer_low=None, wer_high=None)])
    assert cells(folder)["WER %"] == "23.7"
    assert findings(read_run(folder)).startswith("fedavg makes 23.7% word errors (no interval")
    assert "23.7" in plain_table(read_run(folder))


def test_findings_without_any_finished_row(make_run: Make, make_failed_row: Make) -> None:
    assert findings(read_run(make_run([make_failed_row("fedavg", "disk full")]))).startswith("No row finished.")
