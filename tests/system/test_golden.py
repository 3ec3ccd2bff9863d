"""Bits may change only where somebody says so: the golden experiment gives the weights that are written down.

The last bits of sums differ between kinds of processors, so hashes are kept by processor. On one that is not known
two computations are compared with each other: the grid in this process and the one on Ray.

After a change that is marked **bits**: ``python -m pytest tests/system/test_golden.py --write-golden``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.unequal import write_corpus

import fedasr
from fedasr.common.environment import processor
from fedasr.experiment.experiment import Experiment

from .golden import SPEAKERS, golden_table

FILE = Path(__file__).with_name("golden.json")
Digests = dict[str, str]


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Digests]:
    """Run the golden experiment on a grid and return the digest of each row's model."""
    corpus = write_corpus(tmp_path_factory.mktemp("corpus"), SPEAKERS)

    def run(grid: str, workers: int = 2) -> Digests:
        digests: Digests = {}
        for transducer in (False, True):
            experiment = Experiment.from_table(golden_table(corpus, transducer))
            out = tmp_path_factory.mktemp("runs") / "run"
            rows: list[dict[str, Any]] = fedasr.run(experiment, out=out, grid=grid, workers=workers).rows
            assert not [(row["name"], row["failure"]) for row in rows if row["failure"]]
            digests |= {f"{experiment.name}/{row['name']}": row["model_sha256"] for row in rows}
        return digests

    return run


@pytest.fixture(scope="module")
def in_process(golden: Callable[..., Digests]) -> Digests:
    return golden("process")


def machine() -> str:
    """Return what the last bits depend on: the vector instructions that torch uses, and torch."""
    return f"{torch.backends.cpu.get_cpu_capability()} {processor().rpartition('(')[2].rstrip(')')} {torch.__version__}"


def test_the_weights_are_those_that_are_written_down(in_process: Digests, pytestconfig: pytest.Config) -> None:
    known = json.loads(FILE.read_text())
    if pytestconfig.getoption("write_golden"):
        FILE.write_text(json.dumps({**known, machine(): in_process}, indent=1) + "\n")
    elif machine() not in known:
        pytest.skip(f"no weights are written down for '{machine()}'; the two grids are compared instead")
    else:  # after a change of some rows' bits another processor's are left out until somebody writes them there
        assert {name: in_process[name] for name in known[machine()]} == known[machine()]


def test_both_grids_give_the_same_weights(golden: Callable[..., Digests], in_process: Digests) -> None:
    """Three workers take silos apart as one process, which has them in turn, does not."""
    assert golden("ray", workers=3) == in_process


def test_rows_that_are_settings_of_one_thing_are_one_and_all_others_differ(in_process: Digests) -> None:
    """What a row is called changes no bit, and a codec that loses nothing none either."""
    alike = {f"golden/{name}" for name in ("fedavg", "averaging", "codec-dense")}
    assert len({in_process[name] for name in alike}) == 1
    assert len(set(in_process.values())) == len(in_process) - len(alike) + 1
