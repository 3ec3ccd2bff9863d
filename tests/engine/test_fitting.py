"""What silos cannot give is refused before any of them trains, in one line."""

from pathlib import Path
from typing import Any

import pytest
from support.unequal import run_unequal

from fedasr.common.errors import UserError

PRIVATE = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 1, "clip_norm": 0.5}}
BY_SECONDS = {"weighting": "seconds"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"strategy": "fedavg", "training": {"local_epochs": 1}, **PRIVATE}, "row.training: .*set local_steps"),
        (
            {"strategy": "fedavg", "options": {"weighting": "seconds"}, **PRIVATE},
            "row.options: .*weighting = 'uniform'",
        ),
        ({"strategy": "gtc", "options": {"weighting": "seconds"}, **PRIVATE}, "row.options: .*weighting = 'uniform'"),
    ],
)
def test_what_a_guarantee_does_not_cover_is_refused(
    row: dict[str, Any], told: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=told) as refused:
        run_unequal(unequal_corpus, tmp_path / "run", {"name": "row", **row})
    assert len(refused.value.lines) == 1
    assert not (tmp_path / "run").exists()
