"""What nothing takes, or nothing can carry, is refused before anything is read."""

from __future__ import annotations

from typing import Any

import pytest
from support.running import tiny_table

from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.finding import shipped_experiments

FEDAVG = {"name": "a", "strategy": "fedavg"}
ADAMW = {"optimizer": "adamw", "learning_rate": 1e-3}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "heads": ({"model": {"encoder": "lstm", "heads": 2}}, r"'model.heads' takes no effect"),
    "positions": ({"model": {"positions": "none"}}, r"'model.positions' takes no effect"),
    "weight of CTC": ({"model": {"ctc_weight": 0.2}}, r"'model.ctc_weight' takes no effect"),
    "predictor": ({"model": {"predictor_units": 8}}, r"'model.predictor_units' takes no effect"),
    "pieces": ({"model": {"pieces": 60}}, r"'model.pieces' takes no effect"),
    "alphabet": ({"model": {"tokens": "words", "alphabet": "abc"}}, r"alphabet' takes no effect; .* 'characters'"),
    "mels": ({"model": {"mels": 128}}, r"'model.mels' is 128: .* 'model.sample_rate_hz' = 16000; lower it"),
    "momentum": ({"training": {**ADAMW, "momentum": 0.5}}, r"'training.momentum' takes no effect"),
    "a row's momentum": (
        {"compare": [{**FEDAVG, "training": {**ADAMW, "momentum": 0.5}}]}, r"compare.a.training.momentum' takes no",
    ),
    "a long row": ({"compare": [{**FEDAVG, "name": "a" * 201}]}, r"too long for a folder: at most 200 bytes"),
    "a long experiment": ({"name": "é" * 101}, r"'name' is too long for a folder"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_takes_no_effect_is_refused(case: str) -> None:
    changes, told = REFUSED[case]
    with pytest.raises(UserError, match=told):
        Experiment.from_table(tiny_table(**changes))


def test_what_one_role_takes_is_no_mistake() -> None:
    teacher = {"encoder": "conformer", "units": 16}
    Experiment.from_table(tiny_table(model={"heads": 2}, roles={"teacher": teacher}))
    row = {**FEDAVG, "training": ADAMW}
    Experiment.from_table(tiny_table(training={"momentum": 0.5}, compare=[{**FEDAVG, "name": "b"}, row]))


def test_everything_shipped_is_read() -> None:
    for name in shipped_experiments():
        Experiment.load(name)
