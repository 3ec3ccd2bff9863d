from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fedasr.common.errors import UserError
from fedasr.report import figures
from fedasr.report.__main__ import app
from fedasr.report.figure_files import write_figures

Make = Callable[..., Any]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_figure_is_a_pdf_an_svg_and_a_caption(make_run: Make, tmp_path: Path) -> None:
    run = make_run()
    written = write_figures(run, tmp_path / "figures")
    keys = set(figures(run))
    assert {path.name for path in written} == set(content(tmp_path / "figures"))
    assert {path.name for path in written} == {f"{key}.{kind}" for key in keys for kind in ("pdf", "svg")} | {
        "captions.md"
    }
    told = (tmp_path / "figures/captions.md").read_text()
    assert all(f"(`{key}`)" in told for key in keys)
    for name, each in content(tmp_path / "figures").items():
        assert each.startswith({"pdf": b"%PDF", "svg": b"<?xml", "md": b"## "}[name.rpartition(".")[2]])
        assert not re.search(rb"CreationDate|<dc:date>|/Type3|20\d\d-\d\d-\d\d", each)


def test_the_same_run_gives_the_same_bytes_in_any_process(make_run: Make, tmp_path: Path) -> None:
    run = make_run()
    write_figures(run, tmp_path / "here")
    subprocess.run(
        [sys.executable, "-m", "fedasr.report", str(run), "--figures", str(tmp_path / "there")],
        check=True, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True,
    )  # fmt: skip
    assert content(tmp_path / "here") == content(tmp_path / "there")


def test_released_figures_show_no_silo(make_run: Make, make_row: Make, tmp_path: Path) -> None:
    private = make_row("dp-fedavg", epsilon=2.0, delta=1e-5, privacy_unit="silo", epsilon_kind="accountant")
    write_figures(make_run([private, make_row("fedavg")]), tmp_path / "figures", release=True)
    found = content(tmp_path / "figures")
    assert not {"silos.pdf", "speakers.pdf", "partition.pdf", "bytes.pdf"} & set(found)
    assert b">fedavg<" not in found["wer.svg"]


def test_a_table_alone_goes_to_standard_output_and_nothing_into_the_run_folder(make_run: Make, tmp_path: Path) -> None:
    run = make_run()
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    found = CliRunner().invoke(app, [str(run), "--table", "csv", "--figures", str(tmp_path / "figures")])
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("row,strategy,")
    assert "figures: " in found.stderr
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_a_folder_that_is_a_file_is_refused_in_a_line(make_run: Make, tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_figures(make_run(), tmp_path / "figures")
