from __future__ import annotations

from pathlib import Path

import pytest
from support.running import tiny_table

import fedasr
from fedasr.asr.heads.head import HEADS
from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.runs.model_file import load_model

from .conftest import Install

ROWS = [
    {"name": "fedavg", "strategy": "fedavg"},
    {"name": "layers", "strategy": "dp-fedavg", "options": {"noise_multiplier": 1.0, "layers": ["ctc.hidden.*"]}},
    {"name": "private", "strategy": "fedavg", "protection": "dp-sgd",
     "protection_options": {"noise_multiplier": 1.0, "batch_size": 2}},
    {"name": "labels", "strategy": "pate", "options": {"noise": 1.0, "teacher_steps": 1, "maximum_labels": 3}},
    {"name": "frames", "strategy": "pate",
     "options": {"noise": 1.0, "teacher_steps": 1, "votes": "frame", "epsilon": 5000.0}},
]  # fmt: skip
"""All that asks a head for something: its loss, its layers, its examples' gradients, prefixes and single frames."""


@pytest.fixture
def head(install: Install) -> str:
    install("head.py", HEADS.group, "deep-ctc", "DeepCTC")
    return "deep-ctc"


def test_recognisers_with_it_are_trained_vote_and_are_read_again(head: str, tmp_path: Path) -> None:
    model = {"head": head, "head_options": {"hidden": 5}}
    table = tiny_table(compare=ROWS, model=model, corpus={"unlabelled_speakers": 1, "speakers": 10})
    found = fedasr.run(Experiment.from_table(table), out=tmp_path / "run", grid="process").rows
    assert {row["name"]: row["failure"] for row in found} == dict.fromkeys([row["name"] for row in found])
    for row in found:
        recogniser = load_model(tmp_path / "run" / row["name"])
        assert recogniser.spec.head == head
        assert recogniser.weights()["ctc.hidden.weight"].shape == (5, 32)
        assert recogniser.weights()["ctc.output.weight"].shape == (recogniser.tokens.size, 5)


def test_its_options_are_checked(head: str) -> None:
    for options, says in ({"hiden": 5}, "'model.head_options.hiden'; did you mean"), ({"hidden": 0}, "at least 1"):
        with pytest.raises(UserError, match=says):
            Experiment.from_table(tiny_table(model={"head": head, "head_options": options}))
