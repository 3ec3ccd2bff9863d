from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedasr.common.errors import UserError
from fedasr.runs.reading import read_run

Make = Callable[..., Any]


def test_reads_all_of_a_run(make_run: Make) -> None:
    run = read_run(make_run(silos=5))
    assert [row.name for row in run.rows] == ["centralised", "local-only", "public-only", "fedavg", "fedadam"]
    fedavg = run.rows[3]
    assert (fedavg.wer, fedavg.rounds, fedavg.epsilon, fedavg.failed) == (0.237, 30, None, False)
    assert [line.round for line in fedavg.metrics] == list(range(31))
    assert len(fedavg.hypotheses) == 40
    assert run.rows[1].wer_spread == (0.31, 0.93)
    assert run.partition is not None
    assert len(run.partition.silos) == 5
    assert run.partition.test.speakers[0] == "test0"
    assert run.environment["cores"] == "2"
    assert run.remarks == ()


def test_traffic_is_added_up_over_groups_and_single_messages(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg")], silos=4)
    with (folder / "fedavg/traffic.jsonl").open("a") as file:
        file.write(
            '{"round": 1, "silo": 3, "direction": "up", "kind": "train", "blob_bytes": 7, "envelope_bytes": 1}\n'
        )
    down, up = read_run(folder).rows[0].traffic
    assert (down.direction, down.messages, down.blob_bytes) == ("down", 120, 30_000)
    assert (up.direction, up.messages, up.blob_bytes, up.envelope_bytes) == ("up", 121, 30_007, 151)


def test_a_torn_line_is_left_out_and_said(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg")])
    path = folder / "fedavg/metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    run = read_run(folder)
    assert [line.round for line in run.rows[0].metrics] == list(range(30))
    assert run.remarks == ("fedavg/metrics.jsonl: 1 unreadable line(s) left out.",)


def test_a_round_written_again_after_a_resume_counts_once(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg")])
    with (folder / "fedavg/metrics.jsonl").open("a") as file:
        file.write('{"round": 30, "development_wer": 0.5}\n')
    metrics = read_run(folder).rows[0].metrics
    assert len(metrics) == 31
    assert metrics[-1].development_wer == 0.5


def test_optional_files_may_be_absent_or_torn(make_run: Make) -> None:
    folder = make_run()
    for name in (
        "partition.json",
        "environment.json",
        "experiment.toml",
        "fedavg/metrics.jsonl",
        "fedavg/traffic.jsonl",
    ):
        (folder / name).unlink()
    for name in ("hypotheses.jsonl", "silos.json", "speakers.json"):
        (folder / "fedadam" / name).unlink()
    (folder / "fedavg/silos.json").write_text('{"on": "own sp')
    run = read_run(folder)
    assert run.partition is None
    assert run.rows[3].metrics == ()
    assert run.rows[4].hypotheses == ()
    assert run.remarks == ("fedavg/silos.json is corrupt and was left out.",)


def test_what_is_not_a_number_is_unknown(make_run: Make, make_row: Make) -> None:
    row = read_run(make_run([make_row("fedavg", cer=float("nan"), simulated_seconds=float("inf"))])).rows[0]
    assert row.cer is None
    assert row.simulated_seconds is None


def test_unknown_keys_of_later_versions_pass(make_run: Make, make_row: Make) -> None:
    assert read_run(make_run([make_row("fedavg", novelty=[1])])).rows[0].name == "fedavg"


@pytest.mark.parametrize("content", [None, "{", "[]", '{"experiment": "an4"}', '{"rows": [{"wer": 0.1}]}'])
def test_a_folder_that_is_no_run_gets_one_line(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    with pytest.raises(UserError) as caught:
        read_run(tmp_path)
    assert str(tmp_path / "summary.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_silos_of_one_speaker_carry_the_name(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg")], silos=2)
    path = folder / "fedavg/silos.json"
    scores = json.loads(path.read_text())
    scores["silos"][1]["speakers"] = ["a", "b"]
    path.write_text(json.dumps(scores))
    found = read_run(folder).rows[0].silo_scores
    assert found is not None
    assert [silo.name for silo in found.silos] == ["silo 0 · speaker0", "silo 1"]
