from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fedasr.report import figures, write_page
from fedasr.report.pictures.picture import PICTURES

from .conftest import Install

Make = Callable[..., Any]


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["train_loss"] for line in (folder / "fedavg/metrics.jsonl").read_text().splitlines()]


def test_a_picture_of_another_package_is_the_last_of_the_page(make_run: Make, make_row: Make, install: Install) -> None:
    folder = make_run([make_row("fedavg"), make_row("public-only")], silos=2)
    own = list(figures(folder))
    install("picture.py", PICTURES.group, "loss", "loss_pictures")
    found = figures(folder)
    assert list(found) == [*own, "loss"]
    (line,) = found["loss"].axes[0].get_lines()
    assert list(line.get_ydata()) == losses(folder)  # type: ignore[arg-type]
    text = write_page(folder).read_text("utf-8")
    assert f"Training loss. fedavg ends at {losses(folder)[-1]:.2f}" in text
    assert text.index('id="partition-title"') < text.index('id="loss-title"') < text.index('id="how"')
