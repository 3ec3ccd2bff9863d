"""A run proves itself through the command line, and one that says something else does not."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from support.running import Finished, command, tiny_table
from support.scripts import script

from fedasr.verification.verdict import verify
from fedasr.verify import app

PRIVATE = {"epsilon": 8.0, "clip_norm": 0.5}
TABLE: dict[str, Any] = {
    "seeds": [1, 2],
    "corpus": {"speakers": 12, "test_speakers": 3, "unlabelled_speakers": 1, "held_out": 0.34},
    "training": {"silos_per_round": 0},
    "compare": [
        {"name": "public-only", "strategy": "public-only"},
        {"name": "fedavg", "strategy": "fedavg"},
        {"name": "local-only", "strategy": "local-only", "options": {"steps": 1}},
        {"name": "dp-fedavg", "strategy": "dp-fedavg", "options": PRIVATE},
        {
            "name": "pate", "strategy": "pate",
            "options": {"epsilon": 8.0, "teacher_steps": 1, "votes": "utterance", "candidates": 2, "beam": 2},
        },
        {
            "name": "dp-sgd", "strategy": "centralised", "protection": "dp-sgd",
            "protection_options": {"epsilon": 8.0, "steps": 4, "batch_size": 4},
        },
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> Path:
    """Run every kind of row with two seeds."""
    folder = tmp_path_factory.mktemp("verified")
    (folder / "t.toml").write_text(tomli_w.dumps(tiny_table(**TABLE)))
    finished = command("fedasr.simulate", folder / "t.toml", "--out", folder / "run", "--grid", "process")
    assert finished.code == 0, finished.err
    return folder / "run"


def verified(folder: Path) -> tuple[Finished, dict[str, Any]]:
    finished = command("fedasr.verify", folder, "--json")
    return finished, json.loads(finished.out)


def test_a_run_proves_itself(run: Path) -> None:
    finished, found = verified(run)
    assert found["differences"] == []
    assert finished.code == 0
    assert set(found["checks"]) >= {"rows", "speech", "bytes", "word errors", "paired intervals", "weights", "releases"}
    assert all(count for count, _ in found["checks"].values())
    assert [line["file"] for line in found["not_told"] if line["check"] == "weights"] == [
        "local-only@1/model.safetensors", "local-only@2/model.safetensors",
    ]  # fmt: skip


def test_another_byte_is_named_on_the_page_and_in_the_exit_code(
    run: Path, tmp_path: Path, run_command: Callable[..., Finished]
) -> None:  # fmt: skip
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "fedavg@2" / "traffic.jsonl"
    first, *lines = path.read_text().splitlines(keepends=True)
    message = json.loads(first)
    path.write_text("".join([json.dumps({**message, "blob_bytes": message["blob_bytes"] + 1}) + "\n", *lines]))
    finished = run_command("fedasr.verify", tmp_path / "run")
    assert finished.code == 1
    assert "bytes: fedavg@2/row.jsonl: downlink_bytes: written" in finished.out
    assert "To each silo (replace-one)" in finished.out
    assert "WHAT WOULD VOID A PROMISE" in finished.out


def test_what_is_no_run_folder_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "not a run folder" in refused(tmp_path, app=app)


falsehoods = script("falsehoods")
FALSEHOODS = falsehoods.FALSEHOODS


def test_a_promise_that_flatters_by_a_hundred_thousandth_is_found(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    privacy = falsehoods.read(copy / "dp-fedavg@1" / "privacy.json")
    privacy["bounds"]["exact"] = privacy["epsilon"] = privacy["epsilon"] * (1 - 1e-5)
    falsehoods.write(copy / "dp-fedavg@1" / "privacy.json", privacy)
    falsehoods.state(copy / "dp-fedavg@1", copy, epsilon=privacy["epsilon"])
    assert "epsilon" in {found.check for found in verify(copy).wrong}


@pytest.mark.parametrize("number", range(len(FALSEHOODS)))
@pytest.mark.parametrize("dice", [1, 2])
def test_one_falsehood_is_found_and_named(run: Path, tmp_path: Path, number: int, dice: int) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    what = FALSEHOODS[number].tell(copy, random.Random(dice))
    assert verify(copy).wrong, what


@pytest.mark.parametrize("name", ["privacy.json", "silos.json", "speakers.json", "metrics.jsonl", "traffic.jsonl"])
def test_a_torn_file_is_a_difference_and_named(run: Path, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    torn = next(path for path in sorted(copy.glob(f"*/{name}")) if path.stat().st_size > 2)
    torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 2])
    found = [found for found in verify(copy).wrong if torn.parent.name in found.file and name in found.file]
    assert found, "the torn file is not named"
