"""What differs between two experiments is told by its key, whatever it is and however many there are."""

from __future__ import annotations

from typing import Any

import pytest
from support.running import tiny_table

from fedasr.experiment.differences import difference
from fedasr.experiment.experiment import Experiment

ROWS = [{"name": "a", "strategy": "fedavg"}, {"name": "b", "strategy": "gtc"}]


def told(**changes: Any) -> str:
    there, here = (Experiment.from_table(tiny_table(**{"compare": ROWS, **each})) for each in ({}, changes))
    return difference(there, here)


@pytest.mark.parametrize(("changes", "says"), [
    ({}, ""),
    ({"seed": 6}, "seed is 5 there and 6 here"),
    ({"seeds": [1, 2]}, "seeds is [] there and [1, 2] here"),
    ({"reproducible_noise": True}, "reproducible_noise is false there and true here"),
    ({"model": {"encoder": "lstm"}}, "model.encoder is 'bilstm' there and 'lstm' here"),
    ({"compare": ROWS[:1]}, "compare.b is there alone"),
    ({"compare": [*ROWS, {"name": "c", "strategy": "fedavg"}]}, "compare.c is here alone"),
    ({"compare": ROWS[::-1]}, "rows is ['a', 'b'] there and ['b', 'a'] here"),
    ({"compare": [{**ROWS[0], "options": {"momentum": 0.5}}, ROWS[1]]},
     "compare.a.options.momentum is not set there and 0.5 here"),
    ({"compare": [ROWS[0], {**ROWS[1], "training": {"rounds": 9}}]},
     "compare.b.training.rounds is not set there and 9 here"),
    ({"roles": {"teacher": {"units": 8}}}, "roles.teacher"),
])  # fmt: skip
def test_it_is_named(changes: dict[str, Any], says: str) -> None:
    assert told(**changes).startswith(says)
    assert bool(told(**changes)) == bool(says)


def test_of_many_the_first_are_named_and_the_others_counted() -> None:
    line = told(seed=6, training={"rounds": 7, "local_steps": 8, "batch_size": 9, "momentum": 0.5})
    assert line.count(" here") == 3
    assert line.endswith("2 more")
