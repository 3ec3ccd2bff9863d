"""Clipping at the centre: in two lanes, left within an epoch and taken up again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.learning import learner
from support.toy_speech import made_up, small_recogniser

from fedasr.asr.augment import AugmentSpec
from fedasr.common.files import load_arrays, save_arrays
from fedasr.common.randomness import Streams
from fedasr.protection.protection import build_protection
from fedasr.student.trainer import CentralTrainer, TrainerSpec

CHOICES: list[dict[str, Any]] = [
    {},
    {"bound": "least"},
    {"granularity": "micro-batch", "micro_batch": 2, "bound": "per-layer"},
    {"granularity": "core", "cores": 3, "bound": "public-quantile"},
    {"granularity": "layer", "bound": "public-quantile"},
]


class _StoppedError(Exception):
    pass


def _trainer(options: dict[str, Any]) -> CentralTrainer:
    public = made_up(5, 3, "p")
    taught = learner(small_recogniser(0.3), made_up(9), AugmentSpec(), batch_size=4, labelled=public)
    protection = build_protection("clipping", options)
    return CentralTrainer(taught, TrainerSpec(2, 4, learning_rate=0.01), Streams(0), protection=protection)


@pytest.mark.parametrize("options", CHOICES, ids=str)
def test_left_within_an_epoch_and_restored_it_gives_the_same_bits(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedasr.student.trainer.WITHIN_SECONDS", 0.0)
    whole, first, second, steps = _trainer(options), _trainer(options), _trainer(options), list[int]()
    whole.run()

    def leave() -> None:
        steps.append(first.epoch)
        if len(steps) == 4:
            save_arrays(tmp_path / "state", first.state(), {})
            raise _StoppedError

    with pytest.raises(_StoppedError):
        first.run(within=leave)
    second.restore(load_arrays(tmp_path / "state")[0])
    assert second.epoch == 1
    second.run()
    for name, array in whole.state().items():
        np.testing.assert_array_equal(second.state()[name], array, err_msg=name)
