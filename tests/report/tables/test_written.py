from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from support.made_up_runs import speakers

from fedasr.common.errors import UserError
from fedasr.report.tables.plain import plain_table
from fedasr.report.tables.written import written_table
from fedasr.runs.data import RunData
from fedasr.runs.reading import read_run

Make = Callable[..., Any]
PROMISE = {
    "epsilon": 2.004,
    "delta": 1e-5,
    "privacy_unit": "silo",
    "adjacency": "replace-one",
    "epsilon_kind": "accountant",
}
UNPAID = {**PROMISE, "epsilon": None, "epsilon_if_secure": 2.004, "epsilon_kind": "void"}


@pytest.fixture
def run(make_run: Make, make_row: Make, make_failed_row: Make) -> RunData:
    rows = [
        make_row("public-only"),
        make_row("a_b & 50% {x}", folder="odd", note="kept $5 ~ #1 \\ ^ <b> -- fine"),
        make_row("dp-fedavg", **PROMISE),
        make_row("void", **UNPAID),
        make_failed_row("gtc", "round 3: 2 silos left"),
    ]
    return read_run(make_run(rows))


def records(text: str) -> dict[str, dict[str, str]]:
    return {line["row"]: line for line in csv.DictReader(io.StringIO(text))}


def test_csv_holds_the_numbers_of_the_summary_under_names_with_units(run: RunData) -> None:
    found = records(written_table(run, "csv"))
    assert list(found) == ["public-only", "a_b & 50% {x}", "dp-fedavg", "void", "gtc"]
    assert {name: float(found["dp-fedavg"][name]) for name in ("wer", "cer", "uplink_bytes", "wall_seconds")} == {
        "wer": 0.3, "cer": pytest.approx(0.12), "uplink_bytes": 4.1e9, "wall_seconds": 310.0,
    }  # fmt: skip
    assert found["gtc"]["wer"] == found["gtc"]["epsilon"] == ""
    assert found["gtc"]["failed"] == "1"


def test_csv_gives_an_epsilon_only_where_it_holds(run: RunData) -> None:
    found = records(written_table(run, "csv"))
    assert [float(found["public-only"]["epsilon"]), float(found["dp-fedavg"]["epsilon"])] == [0.0, 2.004]
    assert found["a_b & 50% {x}"]["epsilon"] == found["void"]["epsilon"] == ""
    assert found["void"]["epsilon_kind"] == "void"
    assert (found["dp-fedavg"]["privacy_unit"], found["dp-fedavg"]["adjacency"]) == ("silo", "replace-one")


def test_latex_escapes_all_that_latex_reads(run: RunData) -> None:
    text = written_table(run, "latex")
    assert r"a\_b \& 50\% \{x\} & 30.0" in text
    assert (
        r"kept \$5 \textasciitilde{} \#1 \textbackslash{} \textasciicircum{} \textless{}b\textgreater{} -{}- fine"
        in text
    )
    assert r"$\delta$=1e-5" in text
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)
    assert columns is not None
    lines = [line for line in body.splitlines() if line.endswith("\\\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {len(columns.group(1))}
    assert len(lines) == 6
    assert text.isascii()
    assert len(re.findall(r"(?<!\\)\{", text)) == len(re.findall(r"(?<!\\)\}", text))


def test_markdown_keeps_its_columns_whatever_a_row_is_called(make_run: Make, make_row: Make) -> None:
    text = written_table(read_run(make_run([make_row("a|b", folder="odd", note="one | two")])), "markdown")
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert r"a\|b" in table[2]


@pytest.mark.parametrize("form", ["latex", "markdown"])
def test_what_must_be_said_beside_a_table_goes_with_it(run: RunData, form: str) -> None:
    text = written_table(run, form)
    assert "gtc: failed: round 3: 2 silos left" in text
    assert "dp-fedavg: epsilon 2.01 per silo" in text
    assert "the noise of training not in it" in text
    assert "2.01 (per silo)" in text


def test_a_terminal_says_that_the_noise_of_training_is_not_in_its_intervals(run: RunData) -> None:
    assert "of one training over speakers of this very model, the noise of training not in it" in plain_table(run)


def test_columns_of_which_nothing_is_known_are_left_out(make_run: Make, make_row: Make) -> None:
    text = written_table(read_run(make_run([make_row("fedavg", peak_memory_bytes=None)])), "markdown")
    assert "memory" not in text
    assert "own speakers" not in text
    assert "| rounds |" in text


@pytest.mark.parametrize("form", ["latex", "markdown", "csv"])
def test_a_released_table_holds_what_may_be_published(make_run: Make, make_row: Make, form: str) -> None:
    rows = [make_row("dp-fedavg", **PROMISE, trust="all are trusted"), make_row("fedavg"), make_row("local-only")]
    data = read_run(make_run(rows))
    whole, released = written_table(data, form), written_table(data, form, release=True)
    assert "fedavg" in whole.replace("dp-fedavg", "")
    assert "fedavg" not in released.replace("dp-fedavg", "")
    assert "local-only" not in released
    assert "4.1 GB" not in released
    assert "4100000000" not in released


def test_an_unknown_form_is_refused_in_a_line(run: RunData) -> None:
    with pytest.raises(UserError, match="--table html: must be latex, csv or markdown"):
        written_table(run, "html")


def test_an_interval_that_reads_as_one_number_is_told_as_what_it_is(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("dp-fedavg", wer=1.0, wer_low=1.0, wer_high=1.0), make_row("public-only")])
    data = read_run(folder)
    assert "100.0 (speakers alike)" in written_table(data, "markdown")
    assert "100.0-100.0" not in plain_table(data)
    assert speakers(1.0)
