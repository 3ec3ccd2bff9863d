"""Replaying a run whose numbers are small enough to follow by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.running import Finished, Refused

from fedasr.common.errors import UserError
from fedasr.common.randomness import Streams
from fedasr.messages.traffic import Traffic
from fedasr.network import Devices, Link, Network
from fedasr.network.presets import build_network
from fedasr.network.published import PUBLISHED
from fedasr.replay import app
from fedasr.runs.replayed.retiming import Scenario, replay, speedup_curves
from fedasr.server.round_clock import Clock

LINK = Link(8e6, 8e6, latency_seconds=0.25)  # 1 MB a second
NETWORK = Network("by-hand", LINK)
MODEL = 4_000_000
Lines = list[dict[str, Any]]


def messages(kind: str, round: int, silo: int, down: int, up: int, audio: float | None) -> Lines:
    head = {"round": round, "silo": silo, "kind": kind}
    return [
        {**head, "direction": "down", "blob_bytes": down, "envelope_bytes": 0},
        {**head, "direction": "up", "blob_bytes": up, "envelope_bytes": 0, "audio_seconds": audio},
    ]


def rows() -> dict[str, Lines]:
    """Return three rows of two silos: gradients of 40 kB each step, models each block, speech given away."""
    steps = [m for r in range(1, 5) for s in range(2) for m in messages("train.gradient", r, s, 80_000, 40_000, 10.0)]
    blocks = [m for r in (1, 2) for s in range(2) for m in messages("train", r, s, MODEL, MODEL, 20.0 * (s + 1))]
    speech = [m for s in range(2) for m in messages("query.speech", 1, s, 0, 3_000_000, None)]
    return {"often": steps, "seldom": blocks, "centre": speech}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write(tmp_path / "run", rows())


def write(folder: Path, traffic: dict[str, Lines]) -> Path:
    for name, lines in traffic.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "traffic.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    named = [{"name": n, "folder": n, "status": "finished", "seed": 1, "wer": 0.25} for n in traffic]
    (folder / "summary.json").write_text(json.dumps({"experiment": "x", "seed": 1, "rows": named}))
    compute = {"seconds_per_audio_second": 0.5, "parameters": MODEL // 4, "processor": "a core"}
    (folder / "compute.json").write_text(json.dumps(compute))
    return folder


def test_the_run_as_it_was(run: Path) -> None:
    """Each step: 10 s of speech at 0.5, and 40 kB to one other. Each block: 20 s, and a ring of two."""
    often, seldom, centre = replay(run, Scenario(NETWORK)).rows
    assert (often.topology, seldom.topology, centre.topology) == ("all-to-all", "ring", "server")
    assert often.compute == pytest.approx(4 * 5.0)
    assert often.seconds == pytest.approx(4 * (5.0 + 0.25 + 0.04))
    assert seldom.seconds == pytest.approx(2 * (20.0 + 2 * (0.25 + 2.0)))
    assert centre.seconds == pytest.approx(0.25 + 3.0)
    assert (often.uplink_bytes, often.downlink_bytes, often.wer) == (8 * 40_000, 8 * 80_000, 0.25)


@pytest.mark.parametrize("name", ["home-fibre", "phones-4g"])
def test_where_silos_do_not_reach_each_other_all_goes_through_the_server(name: str, run: Path) -> None:
    network = build_network(name)
    assert {row.topology for row in replay(run, Scenario(network)).rows} == {"server"}
    with pytest.raises(UserError, match=f"in network {name} silos do not reach each other"):
        Scenario(network, topology="ring")


def test_the_topology_may_be_said(run: Path) -> None:
    often, seldom, _ = replay(run, Scenario(NETWORK, topology="server")).rows
    assert often.seconds == pytest.approx(4 * (0.25 + 0.08 + 5.0 + 0.25 + 0.04))
    assert seldom.seconds == pytest.approx(2 * (4.25 + 20.0 + 4.25))


def test_sparse_blobs_fill_up_on_a_ring(run: Path) -> None:
    found = replay(run, Scenario(NETWORK, topology="ring", rows=("often",)))
    assert found.rows[0].seconds == pytest.approx(4 * (5.0 + 2 * (0.25 + 2.0)))
    assert any("sparse blobs fill up" in line for line in found.assumptions)


def test_scaling_by_hand(run: Path) -> None:
    """Weak scaling: 16 workers, 5 s a step, 15 blobs of 40 kB; 30 s a block, 30 ring steps of 250 kB."""
    often, seldom = replay(run, Scenario(NETWORK, workers=(1, 16))).curves
    assert [p.speedup for p in often.points] == pytest.approx([1.0, 16 * 5 / (5 + 0.25 + 0.6)])
    assert [p.speedup for p in seldom.points] == pytest.approx([1.0, 16 * 15 / (15 + 30 * 0.5)])
    assert often.points[1].seconds == pytest.approx(8 / 16 * (5 + 0.25 + 0.6))
    assert seldom.points[1].efficiency == pytest.approx(0.5)


def test_exchanging_often_saturates_and_seldom_goes_on(run: Path) -> None:
    """On a link without latency: 5 s of compute against 40 ms for each other; 15 s against 8 s at most."""
    fast = Network("fast", Link(8e6, 8e6, 0.0))
    found = replay(run, Scenario(fast, workers=(1024, 4096)))
    often, seldom = ([p.speedup for p in curve.points] for curve in found.curves)
    assert often[1] < 5 / 0.04
    assert often[1] / often[0] < 1.11
    assert seldom[1] / seldom[0] == pytest.approx(4, rel=1e-3)
    (marks,) = found.landmarks
    assert (marks.step_row, marks.block_row) == ("often", "seldom")
    assert marks.crossover == 67  # 0.008 (N−1) > 8/15 (N−1)/N where N > 66.7
    assert marks.step_half == 126  # 0.04 (N−1) ≤ 5
    assert marks.block_half is None
    assert marks.four_times


def test_a_larger_model_scales_blobs_and_compute(run: Path) -> None:
    """Ten times the parameters: ten times the compute, ten times the bytes."""
    often, seldom, _ = replay(run, Scenario(NETWORK, parameters=10 * MODEL // 4)).rows
    assert often.seconds == pytest.approx(4 * (50.0 + 0.25 + 0.4))
    assert seldom.seconds == pytest.approx(2 * (200.0 + 2 * (0.25 + 20.0)))


def test_faster_devices(run: Path) -> None:
    often, *_ = replay(run, Scenario(Network("n", LINK, devices=Devices(speed=2.0)), device_speed=5.0)).rows
    assert often.compute == pytest.approx(4 * 1.0)


def test_compute_for_each_step_in_place_of_the_file(run: Path) -> None:
    """A step is 10 s of speech, so that a block of 20 or 40 is two or four of them."""
    (run / "compute.json").unlink()
    often, seldom, _ = replay(run, Scenario(NETWORK, compute_seconds_per_step=2.0)).rows
    assert often.compute == pytest.approx(4 * 2.0)
    assert seldom.compute == pytest.approx(2 * 8.0)


def test_where_messages_do_not_say_their_speech_the_processor_time_counts(tmp_path: Path) -> None:
    lines = [m for s in range(2) for m in messages("train", 1, s, MODEL, MODEL, None)]
    run = write(tmp_path / "run", {"untold": lines})
    (run / "untold" / "metrics.jsonl").write_text('{"round": 1, "training_cpu_seconds": 14.0}\n')
    found = replay(run, Scenario(NETWORK))
    assert found.rows[0].compute == pytest.approx(7.0)
    assert [line for line in found.assumptions if "do not say their speech" in line] == [
        "untold: where messages do not say their speech, the processor time of the run"
    ]


def test_nothing_is_assumed_of_speech_that_is_told(run: Path) -> None:
    assert not [line for line in replay(run, Scenario(NETWORK)).assumptions if "do not say their speech" in line]


@pytest.mark.parametrize("line", ['{"round": 1}', '{"round": 1, "training_cpu_seconds": null}', '{"round": 2}'])
def test_processor_time_that_nobody_wrote_down_is_none(line: str, tmp_path: Path) -> None:
    lines = [m for s in range(2) for m in messages("train", 1, s, MODEL, MODEL, None)]
    run = write(tmp_path / "run", {"untold": lines})
    (run / "untold" / "metrics.jsonl").write_text(line + "\n")
    found = replay(run, Scenario(NETWORK))
    assert found.rows[0].compute == 0
    assert not found.curves, "nothing divided by nothing is no speed-up"
    assert "untold: what its silos compute is not known: a guarantee keeps it with them" in found.assumptions


def test_a_silo_that_did_not_reply_delays_nobody(tmp_path: Path) -> None:
    lines = [m for s in range(3) for m in messages("train.gradient", 1, s, 80_000, 40_000, 10.0)][:-1]
    run = write(tmp_path / "run", {"often": lines})
    (run / "often" / "metrics.jsonl").write_text('{"round": 1, "training_cpu_seconds": 999.0}\n')
    (row,) = replay(run, Scenario(NETWORK)).rows
    assert row.seconds == pytest.approx(5.0 + 0.25 + 0.04)
    assert row.downlink_bytes == 3 * 80_000


def test_devices_are_those_of_the_simulation(run: Path) -> None:
    """Through a server, a row of one exchange a round takes what the simulation's own clock said."""
    devices = Devices("lognormal", sigma=0.5, straggler_share=0.3, straggler_slowdown=3.0)
    network = Network("n", LINK, devices=devices)
    clock = Clock(network, 0.5, Streams(1))
    expected = 0.0
    for round in range(1, 5):
        lines = [line for line in rows()["often"] if line["round"] == round]
        expected += clock.round(round, [Traffic(**line) for line in lines], []).seconds
    found = replay(run, Scenario(network, topology="server", rows=("often",))).rows[0].seconds
    assert found == pytest.approx(expected)


def test_several_exchanges_in_a_round_are_timed_one_after_another(tmp_path: Path) -> None:
    lines = [m for _ in range(3) for s in range(2) for m in messages("train.gradient", 1, s, 80_000, 40_000, 10.0)]
    (row,) = replay(write(tmp_path / "run", {"often": lines}), Scenario(NETWORK)).rows
    assert row.seconds == pytest.approx(3 * (5.0 + 0.25 + 0.04))


def test_only_rows_of_one_seed_are_compared(tmp_path: Path) -> None:
    run = write(tmp_path / "run", {f"{n}@{s}": rows()[n] for n in ("often", "seldom") for s in (1, 2)})
    summary = json.loads((run / "summary.json").read_text())
    for row in summary["rows"]:
        row["seed"] = int(row["name"][-1])
    (run / "summary.json").write_text(json.dumps(summary))
    pairs = [(m.step_row, m.block_row) for m in replay(run, Scenario(NETWORK)).landmarks]
    assert pairs == [("often@1", "seldom@1"), ("often@2", "seldom@2")]


def test_deterministic(run: Path) -> None:
    devices = Devices("lognormal", sigma=0.5, straggler_share=0.1, straggler_slowdown=3.0)
    scenario = Scenario(Network("n", LINK, devices=devices, drop_out=0.2))
    assert replay(run, scenario) == replay(run, scenario)


def test_curves_for_the_report(run: Path) -> None:
    found = speedup_curves(run, NETWORK, [4, 8])
    assert [[p.workers for p in curve.points] for curve in found.curves] == [[4, 8], [4, 8]]
    assert found.published == PUBLISHED
    assert "CNTK" in found.source


def test_the_command(run: Path, run_command: Callable[..., Finished]) -> None:
    done = run_command("fedasr.replay", run, "--workers", "16,64", "--network", "cloud-2015")
    assert (done.code, done.err) == (0, "")
    for text in ("seldom overtakes often: at", "four times the workers", "assumptions", "43.65", "compute: 0.5 s"):
        assert text in done.out


def test_the_command_in_json(run: Path, run_command: Callable[..., Finished]) -> None:
    done = run_command("fedasr.replay", run, "--network", "none", "--json", "--row", "often", "--workers", "4")
    found = json.loads(done.out)
    assert found["rows"][0]["seconds"] == pytest.approx(20.0)
    assert found["curves"][0]["points"][0]["speedup"] == pytest.approx(4.0)
    assert np.mean([abs(p["error"]) for p in found["published"] if not p["fitted"]]) <= 0.15


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--network", "cloud-2016"), "did you mean 'cloud-2015'"),
        (("--workers", "16,many"), "--workers 16,many"),
        (("--workers", "0"), "--workers 0: must be at least 1"),
        (("--topology", "rings"), "did you mean 'ring'"),
        (("--row", "oftn"), "did you mean 'often'"),
        (("--workers", "1000000000000000000000"), "at most 1,000,000,000"),
        (("--parameters", "-5"), "--parameters -5: must be at least 1"),
        (("--parameters", "10000000000000000000000"), "at most 1e+15"),
        (("--device-speed", "0"), "--device-speed 0.0: must be at least"),
        (("--device-speed", "1e-308"), "--device-speed 1e-308: must be at least"),
        (("--compute-seconds-per-step", "1e308"), "--compute-seconds-per-step 1e+308: must be at least"),
        (("--compute-seconds-per-step", "nan"), "--compute-seconds-per-step nan"),
        (("--quick",), "--quick"),
    ],
)
def test_wrong_requests(run: Path, refused: Refused, options: tuple[str, ...], says: str) -> None:
    assert says in refused(run, *options, app=app)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("compute.json", None, "give --compute-seconds-per-step"),
        ("compute.json", "{}", "'seconds_per_audio_second' is missing"),
        ("compute.json", '{"seconds_per_audio_second": -1}', "must be a number above 0"),
        ("compute.json", "[1]", "not a JSON object"),
        ("summary.json", None, "not found"),
        ("summary.json", "{", "not a JSON file"),
        ("summary.json", '{"rows": [{}]}', "not the summary of a run"),
        ("summary.json", '{"seed": 1, "rows": []}', "none of its rows has finished"),
        ("often/traffic.jsonl", "nonsense\n", "not JSON lines"),
        ("often/traffic.jsonl", '{"round": 1}\n', "'silo'"),
        ("often/traffic.jsonl", json.dumps({**rows()["often"][1], "audio_seconds": "long"}) + "\n", "'long'"),
        ("often/traffic.jsonl", json.dumps({**rows()["often"][0], "silo": 2**32 - 1}) + "\n", "silo"),
    ],
)
def test_wrong_files(run: Path, file: str, text: str | None, says: str) -> None:
    path = run / file
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(UserError) as error:
        replay(run, Scenario(NETWORK))
    assert str(error.value).startswith(f"{path}: ")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_scaling_a_model_of_unknown_size_is_refused(run: Path) -> None:
    (run / "compute.json").write_text('{"seconds_per_audio_second": 0.5}')
    assert replay(run, Scenario(NETWORK)).rows[1].topology == "ring"  # told by the model that was sent down
    with pytest.raises(UserError, match="'parameters' is missing"):
        replay(run, Scenario(NETWORK, parameters=10))
