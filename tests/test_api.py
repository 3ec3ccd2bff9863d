"""The Python API, as a notebook has it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

import fedasr
from fedasr.common.errors import UserError


def test_an_experiment_is_run_by_its_file_and_flower_says_nothing(
    write_toml: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    flower = logging.getLogger("flwr")
    handler, level = logging.StreamHandler(), flower.level
    flower.addHandler(handler)
    flower.setLevel(logging.INFO)
    try:
        file = write_toml(compare=[{"name": "a", "strategy": "flwr.serverapp.strategy:FedAvg"}])
        result = fedasr.run(str(file), grid="process", out=tmp_path / "run")
        assert flower.level == logging.INFO
    finally:
        flower.setLevel(level)
        flower.removeHandler(handler)
    assert [row["status"] for row in result.rows] == ["finished"]
    assert "FedAvg" not in capfd.readouterr().err
    assert fedasr.run(file, grid="process", resume=tmp_path / "run").rows == result.rows


def test_a_name_that_is_no_experiment_is_a_line() -> None:
    with pytest.raises(UserError, match="did you mean 'quickstart'"):
        fedasr.run("quickstrt")
