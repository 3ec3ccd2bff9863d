"""AdaMix for the unit silo: whole rows of averaging, directed by pseudo-silos of public speech."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, read_lines
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import Run
from fedasr.server.progress import Progress
from fedasr.verification.verdict import verify

NOISE = {"noise_multiplier": 2.0, "clip_norm": 0.3}
BARE = {**NOISE, "bound": "fixed", "public_weight": 0.0}
MIXED = {"noise_multiplier": 2.0, "subspace": 2, "pull": 0.1}


def _row(name: str, protection: str, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "strategy": "fedavg", "protection": protection, "protection_options": options, **more}


ROWS = [
    {"name": "dp-fedavg", "strategy": "dp-fedavg", "options": NOISE},
    _row("silo-noise", "silo-noise", NOISE),
    _row("bare", "silo-adamix", BARE),
    _row("mixed", "silo-adamix", MIXED),
    _row("mixed-gradients", "silo-adamix", MIXED, strategy="sync-sgd"),
]


def _experiment(*rows: dict[str, Any], **changes: Any) -> Experiment:
    return Experiment.from_table(tiny_table(compare=list(rows), reproducible_noise=True, **changes))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("silos") / "run"
    rows = fedasr.run(_experiment(*ROWS), out=folder, grid="process").rows
    assert {row["name"]: row["failure"] for row in rows if row["failure"]} == {}
    return folder, {row["name"]: row for row in rows}


def test_without_anything_public_it_is_dp_fedavg_to_the_bit(run: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    folder, rows = run
    assert rows["bare"]["model_sha256"] == rows["silo-noise"]["model_sha256"]
    released = [load_arrays(folder / row / "releases" / "round.1.safetensors")[0] for row in ("bare", "dp-fedavg")]
    assert all((released[0][name] == released[1][name]).all() for name in released[1])
    assert rows["bare"]["model_sha256"] == rows["dp-fedavg"]["model_sha256"]
    assert rows["mixed"]["model_sha256"] != rows["bare"]["model_sha256"]


def test_the_ledger_sees_one_multiplier_and_the_same_epsilon(run: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    folder, rows = run
    assert len({row["epsilon_if_secure"] for row in rows.values()}) == 1
    assert {row["privacy_unit"] for row in rows.values()} == {"silo"}
    for row, clip in (("bare", {"clip_norm": 0.3}), ("mixed", {"clip_norm": 1.0, "clip_unit": "threshold"})):
        for line in read_lines(folder / row / "releases" / "ledger.jsonl"):
            told = {"kind": "sampled-gaussian", "noise_multiplier": 2.0, "rate": 0.75, **clip}
            assert (line["mechanism"], line["count"]) == (told, 1)


def test_pseudo_silos_are_public_and_send_nothing(run: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    folder, rows = run
    lines = [json.loads(line) for line in (folder / "mixed" / "metrics.jsonl").read_text().splitlines()]
    assert all(2 <= line["public_utterances"] <= 4 for line in lines if line["round"]), "two, of one or two utterances"
    bare = [json.loads(line) for line in (folder / "bare" / "metrics.jsonl").read_text().splitlines()]
    assert [line["utterances"] for line in lines] == [line["utterances"] for line in bare]
    assert rows["mixed"]["uplink_bytes"] == rows["bare"]["uplink_bytes"]


def test_what_it_leaves_behind_is_recomputed_by_others(run: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    folder, _ = run
    found = verify(folder)
    assert not found.wrong
    assert found.counts["noise"] == (2 * len(ROWS), 0)


def test_more_speakers_than_are_public_make_no_pseudo_silo(tmp_path: Path) -> None:
    row = _row("row", "silo-adamix", {**MIXED, "speakers": 3})
    with pytest.raises(UserError, match="a pseudo-silo takes 3 public speakers, and there are 2; lower it"):
        fedasr.run(_experiment(row), out=tmp_path / "run", grid="process")
    assert not (tmp_path / "run").exists()


def test_it_is_resumed_to_the_bit_and_the_same_on_ray(
    run: tuple[Path, dict[str, dict[str, Any]]], tmp_path: Path
) -> None:  # fmt: skip
    class Stopping(Watcher):
        def round(self, progress: Progress) -> None:
            if progress.round == 1:
                raise KeyboardInterrupt

    row = ROWS[3]
    with pytest.raises(KeyboardInterrupt):
        fedasr.run(_experiment(row), out=tmp_path / "run", grid="process", watcher=Stopping())
    (resumed,) = fedasr.run(Run.open(tmp_path / "run").experiment, resume=tmp_path / "run", grid="process").rows
    (on_ray,) = fedasr.run(_experiment(row), out=tmp_path / "ray", grid="ray").rows
    assert {resumed["model_sha256"], on_ray["model_sha256"]} == {run[1]["mixed"]["model_sha256"]}
