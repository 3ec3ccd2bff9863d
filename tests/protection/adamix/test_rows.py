"""AdaMix as a row asks for it: at the centre, and inside silos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.common.files import read_lines
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import Run
from fedasr.server.progress import Progress

OPTIONS = {"epsilon": 6.0, "batch_size": 2, "steps": 6, "public_batch": 4, "subspace": 2, "pull": 0.01}
SILOS = {"epsilon": 6.0, "batch_size": 2, "public_batch": 4, "subspace": 2}
BARE = {"epsilon": 6.0, "batch_size": 2, "bound": "fixed", "clip_norm": 0.5, "public_weight": 0.0}


def _run(
    folder: Path, row: dict[str, Any], watcher: Watcher | None = None, grid: str = "process", **changes: Any
) -> dict[str, Any]:
    protected = {"protection": "adamix", "protection_options": OPTIONS, "strategy": "centralised", "name": "row", **row}
    experiment = Experiment.from_table(tiny_table(compare=[protected], reproducible_noise=True, **changes))
    (found,) = fedasr.run(experiment, grid=grid, out=folder, watcher=watcher).rows
    assert found["status"] == "finished", found["failure"]
    return found


def test_the_centre_pays_for_private_speech_alone_and_resumes_to_the_bit(tmp_path: Path) -> None:
    class Stopping(Watcher):
        def round(self, progress: Progress) -> None:
            if progress.round == 3:
                raise KeyboardInterrupt

    whole = _run(tmp_path / "whole", {})
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "stopped", {}, Stopping())
    stopped = tmp_path / "stopped"
    (resumed,) = fedasr.run(Run.open(stopped).experiment, resume=stopped, grid="process").rows
    assert resumed["model_sha256"] == whole["model_sha256"]
    assert (whole["privacy_unit"], whole["adjacency"]) == ("utterance", "add-remove")
    assert 5.99 < whole["epsilon_if_secure"] == resumed["epsilon_if_secure"] <= 6.0
    charged = read_lines(stopped / "row" / "releases" / "ledger.jsonl")
    assert sum(release["count"] for release in charged) == OPTIONS["steps"]
    assert {release["mechanism"]["clip_norm"] for release in charged} == {1.0}
    private = 4 * 3
    assert {release["mechanism"]["rate"] for release in charged} == {OPTIONS["batch_size"] / private}


def test_the_simulator_tells_how_far_private_gradients_lie_in_public_directions(tmp_path: Path) -> None:
    found = _run(tmp_path / "run", {})
    assert 0 < found["subspace_overlap"] <= 1
    assert "of the private gradients' longest directions lies in the public ones" in found["note"]
    assert _run(tmp_path / "none", {"protection_options": {**OPTIONS, "subspace": 0}})["subspace_overlap"] is None


def test_silos_train_by_it_alike_on_both_grids(tmp_path: Path) -> None:
    row = {"strategy": "fedavg", "protection_options": SILOS}
    found = [_run(tmp_path / grid, row, grid=grid) for grid in ("process", "ray")]
    assert len({each["model_sha256"] for each in found}) == 1


def test_silos_without_anything_public_train_by_dp_sgd_to_the_bit(tmp_path: Path) -> None:
    plain = {"protection": "dp-sgd", "protection_options": {"epsilon": 6.0, "batch_size": 2, "clip_norm": 0.5}}
    rows = [{"protection_options": BARE}, plain]
    found = [_run(tmp_path / str(place), {"strategy": "fedavg", **row}) for place, row in enumerate(rows)]
    assert len({each["model_sha256"] for each in found}) == 1
    assert len({each["epsilon_if_secure"] for each in found}) == 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"strategy": "fedavg"}, "protection_options.pull: goes with the centre"),
        ({"protection_options": {"subspace": 99}}, "'subspace' is 99"),
    ],
)
def test_what_cannot_take_effect_is_refused_before_anything_is_trained(
    row: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=says.replace("'", ".")):
        _run(tmp_path / "run", row)
    assert not (tmp_path / "run").exists()


def test_without_public_speech_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs labelled public speech, and there is none"):
        _run(tmp_path / "run", {}, corpus={"public_speakers": 0}, model={"start": "scratch"})
    assert not (tmp_path / "run").exists()
