"""No number of one silo is in the recogniser that the next one is given: who loads no weights has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.oracles.rows import flat, run_row, start_of
from support.unequal import unequal_table
from support.watched import failing
from support.wrong_halves import SENDS, TRAINS

from fedasr.engine.preparation import prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec


@pytest.mark.parametrize("role", ["", "teacher"])
def test_silos_that_load_no_weights_are_refused_and_add_nothing(
    role: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    """What they would have trained, or sent away, is the model of the silo before; the others go on without them."""
    table = unequal_table(unequal_corpus, roles={"teacher": {"dropout": 0.3}})
    prepared = prepare_experiment(Experiment.from_table(table), 1, Watcher())
    half = {"client": "support.wrong_halves:Forgetful", "client_options": {"role": role}}
    row = RowSpec("row", "fedavg", training={"learning_rate": 0.2}, **half)
    forget = run_row(prepared, row, tmp_path / "forget")
    fail = run_row(prepared, row, tmp_path / "fail", failing("train", TRAINS, SENDS))
    np.testing.assert_array_equal(forget.model, fail.model)
    assert np.abs(fail.model - flat(start_of(prepared))).max() > 0.01
