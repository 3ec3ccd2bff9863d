"""Equal work: what rows take of the silos' speech is counted as it is taken, and can be made equal before it is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from support.running import command
from support.unequal import SIZES, run_unequal, stopped, unequal_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.common.files import read_lines
from fedasr.engine.equal_work import RowAtWork, at_equal_work
from fedasr.experiment.experiment import Experiment

BATCH = 2
PASS = [math.ceil(size / BATCH) for size in SIZES]
ALL = sum(SIZES)
NOISE = {"noise_multiplier": 1.0, "clip_norm": 0.5}


def _row(name: str, strategy: str | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "strategy": strategy or name, **more}


EXACT: list[tuple[dict[str, Any], float]] = [
    (_row("public-only"), 0),
    # An epoch takes every utterance once, however silos and batches divide it.
    (_row("fedavg", training={"local_epochs": 1}), 2 * ALL),
    (_row("fednova", training={"local_epochs": 2}), 4 * ALL),
    (_row("ditto", training={"local_epochs": 1}), 4 * ALL),
    (_row("local-only", training={"local_epochs": 1}), 2 * ALL),
    (_row("centralised"), 2 * ALL),
    (_row("centralised", options={"epochs": 3}), 3 * ALL),
    # A step of DP-SGD is expected to take its lot: in each silo, and at the centre of what is private there.
    (_row("fedavg", protection="dp-sgd", protection_options={"noise_multiplier": 1.0, "batch_size": 2}), 2 * 2 * 2 * 4),
    # Secure coins draw the cohort: the row says what it takes on average.
    (_row("dp-fedavg", options=NOISE, training={"silos_per_round": 2, "local_epochs": 1}), 2 * ALL / 2),
    (_row("fedavg", protection="silo-noise", protection_options=NOISE, training={"local_epochs": 1}), 2 * ALL),
]  # fmt: skip


@pytest.fixture(scope="module")
def counted(unequal_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    rows = [{**row, "name": f"r{place}"} for place, (row, _) in enumerate(EXACT)]
    return run_unequal(
        unequal_corpus, tmp_path_factory.mktemp("counted") / "run", *rows, training={"batch_size": BATCH}
    )


@pytest.mark.parametrize("place", range(len(EXACT)))
def test_what_is_taken_is_counted_wherever_it_is_taken(place: int, counted: list[dict[str, Any]]) -> None:
    assert counted[place]["failure"] is None
    assert counted[place]["utterances"] == pytest.approx(EXACT[place][1])


def test_passes_over_public_speech_are_a_count_of_their_own(counted: list[dict[str, Any]]) -> None:
    """The centre trains on the labelled public speech beside the silos', silos on their own alone."""
    public = {row["name"]: row["public_utterances"] for row in counted}
    assert public["r1"] == public["r0"] == 0
    assert public["r5"] > 0
    assert public["r6"] == 1.5 * public["r5"]


def test_the_last_batch_of_a_pass_counts_what_it_holds(unequal_corpus: Path, tmp_path: Path) -> None:
    """Silos of 5, 2, 9 and 9 utterances take steps of at most 4: at most so many, and no step counts as full."""
    rows = [
        _row("sgd", "sync-sgd"),
        _row("gtc", options={"density": 0.1}),
        _row("two", "sync-sgd", options={"accumulate": 2}),
    ]
    found = run_unequal(unequal_corpus, tmp_path / "run", *rows, training={"batch_size": 4, "rounds": 6})
    one, gtc, two = (row["utterances"] for row in found)
    assert one == gtc < 6 * 4 * 4
    # Silo by silo a first batch holds 4, 1 or 2 of its utterances at random; two of them are all that 5 and 2 hold.
    assert 6 * (1 + 2 + 1 + 1) <= one <= 6 * (4 + 2 + 4 + 4)
    assert 6 * (5 + 2 + 5 + 5) <= two <= 6 * (5 + 2 + 8 + 8)


def test_a_pass_in_batches_of_so_many_seconds_takes_every_utterance_once(unequal_corpus: Path, tmp_path: Path) -> None:
    """Rounds and epochs count in passes; steps of so many seconds take what their batches happen to hold."""
    rows = [
        _row("fedavg", training={"local_epochs": 1}), _row("centralised"), _row("steps", "fedavg"),
        _row("ditto", training={"local_epochs": 2, "batch_size": 3}),
    ]  # fmt: skip
    found = run_unequal(
        unequal_corpus, tmp_path / "run", *rows, start={"batch_seconds": 3.0, "batch_size": 16},
        training={"batch_seconds": 4.0, "batch_size": 8}, central={"batch_seconds": 6.0, "batch_size": 16},
    )  # fmt: skip
    assert [row["failure"] for row in found] == [None] * 4
    epochs, centralised, steps, ditto = (row["utterances"] for row in found)
    assert (epochs, centralised, ditto) == (2 * ALL, 2 * ALL, 8 * ALL)
    assert 0 < steps < 2 * 2 * ALL
    assert found[0]["recipe"]["batch"] == "4 s"
    assert found[1]["recipe"]["batch"] == "6 s"


def test_pate_counts_its_teachers_and_its_student(unequal_corpus: Path, tmp_path: Path) -> None:
    pate = _row("pate", options={"noise": 1.0, "teacher_steps": 5, "maximum_labels": 4, "epsilon": 500.0})
    (row,) = run_unequal(unequal_corpus, tmp_path / "run", pate, training={"batch_size": 9})
    assert row["failure"] is None
    assert row["utterances"] == 5 * ALL, "a batch of 9 is all that a silo holds"
    assert row["public_utterances"] > 0


def test_a_resumed_row_counts_what_it_took_and_no_more(unequal_corpus: Path, tmp_path: Path) -> None:
    rows = [_row("fedavg", training={"silos_per_round": 3}), _row("dp-fedavg", options=NOISE)]
    for row in rows:
        whole = run_unequal(unequal_corpus, tmp_path / f"{row['name']}-whole", row, training={"rounds": 3})
        for is_saved in (False, True):
            folder = tmp_path / f"{row['name']}-{is_saved}"
            with stopped(2, is_saved=is_saved):
                run_unequal(unequal_corpus, folder, row, training={"rounds": 3})
            again = run_unequal(unequal_corpus, folder, row, training={"rounds": 3})
            assert again[0]["utterances"] == whole[0]["utterances"] > 0


def test_no_silo_tells_what_the_run_counts(unequal_corpus: Path, tmp_path: Path) -> None:
    """The count is the simulator's: a silo's messages are as long as they were, and say nothing of it."""
    run_unequal(unequal_corpus, tmp_path / "run", _row("fedavg"))
    lines = read_lines(tmp_path / "run" / "fedavg" / "traffic.jsonl")
    assert {key for line in lines for key in line} == {
        "round", "silo", "direction", "kind", "blob_bytes", "envelope_bytes", "audio_seconds",
    }  # fmt: skip


WORK = 8 * ALL
FREE = [
    _row("public-only"), _row("local-only"), _row("centralised"), _row("fedavg"), _row("fedavgm"), _row("scaffold"),
    _row("bmuf", training={"local_steps": 1}), _row("ditto"), _row("gtc", options={"density": 0.1}),
    _row("half", "fedavg", training={"silos_per_round": 2}), _row("epochs", "fedavg", training={"local_epochs": 2}),
    _row("adam", "flwr.serverapp.strategy:FedAdam"), _row("dp-fedavg", options=NOISE),
]  # fmt: skip


def _experiment(corpus: Path, *rows: dict[str, Any], utterances: int = WORK, **training: Any) -> Experiment:
    table = unequal_table(corpus, compare=list(rows), work={"utterances": utterances}, training=training)
    table["training"].pop("rounds", None)
    return Experiment.from_table(table)


def test_every_row_is_given_as_many_rounds_as_take_the_work(unequal_corpus: Path) -> None:
    experiment = _experiment(unequal_corpus, *FREE, batch_size=BATCH)
    fitted = at_equal_work(experiment, SIZES)
    for row in fitted.compare:
        found = RowAtWork(fitted, row, SIZES).workload
        assert found is not None
        assert row.name == "public-only" or abs(found.utterances - WORK) <= found.of_one / 2, row.name
    rounds = {row.name: row.training.get("rounds") for row in fitted.compare}
    assert rounds["ditto"] == rounds["fedavg"] // 2, "both of its models count"
    assert rounds["half"] == 2 * rounds["fedavg"]
    assert rounds["epochs"] == 4
    centralised = next(row for row in fitted.compare if row.name == "centralised")
    assert centralised.options["epochs"] == 8
    assert at_equal_work(fitted, SIZES) == fitted


def test_whole_rows_take_the_work(unequal_corpus: Path, tmp_path: Path) -> None:
    rows = [_row("fedavg"), _row("local-only"), _row("centralised"), _row("sync-sgd"), _row("dp-fedavg", options=NOISE)]
    experiment = _experiment(unequal_corpus, *rows, utterances=2 * ALL, batch_size=BATCH)
    found = fedasr.run(experiment, out=tmp_path / "run", grid="process").rows
    assert [row["failure"] for row in found] == [None] * len(rows)
    for row in found:
        assert abs(row["utterances"] - 2 * ALL) <= ALL / 2, row["name"]
    again = fedasr.run(experiment, resume=tmp_path / "run", grid="process").rows
    assert again == found, "none is given more rounds"


@pytest.mark.parametrize(
    ("row", "mend"),
    [
        (_row("fedavg", training={"rounds": 2}), "training.rounds = "),
        (_row("bmuf", training={"rounds": 40, "local_steps": 4}), "training.rounds = "),
        (_row("centralised", options={"epochs": 2}), "options.epochs = 8"),
        (_row("local-only", options={"steps": 3}), "options.steps = "),
        # A promise bounds what a row takes: less is no mistake, more is.
        (_row("dp-fedavg", options=NOISE, training={"rounds": 90}), "training.rounds = "),
    ],
)
def test_a_row_that_takes_other_work_is_refused_before_it_trains(
    row: dict[str, Any], mend: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    experiment = _experiment(unequal_corpus, _row("public-only"), row)
    with pytest.raises(UserError) as refusal:
        fedasr.run(experiment, out=tmp_path / "run", grid="process")
    (line,) = str(refusal.value).splitlines()
    assert f"compare.{row['name']}" in line
    assert f"{WORK:,}" in line
    assert mend in line
    assert not (tmp_path / "run").exists()


def test_a_row_with_an_epsilon_may_take_less(unequal_corpus: Path) -> None:
    rows = [_row("dp-fedavg", options=NOISE, training={"rounds": 1}), _row("pate", options={"teacher_steps": 1})]
    experiment = _experiment(unequal_corpus, *rows)
    assert at_equal_work(experiment, SIZES) == experiment


def test_rounds_for_all_rows_and_work_for_all_rows_are_one_too_many(unequal_corpus: Path) -> None:
    table = unequal_table(unequal_corpus, work={"utterances": 100}, training={"rounds": 7})
    with pytest.raises(UserError, match=r"'training.rounds' takes no effect.*'work.utterances'"):
        Experiment.from_table(table)


@pytest.mark.parametrize("row", [_row("fedavg"), _row("gtc"), _row("local-only"), _row("dp-fedavg", options=NOISE)])
def test_work_is_not_counted_in_steps_of_so_many_seconds(row: dict[str, Any], unequal_corpus: Path) -> None:
    seconds = {"batch_seconds": 4.0, "batch_size": 8}
    told = rf"compare\.{row['name']}\.training: .*'batch_seconds'.*set 0, or local_epochs"
    with pytest.raises(UserError, match=told) as refused:
        at_equal_work(_experiment(unequal_corpus, row, **seconds), SIZES)
    assert len(refused.value.lines) == 1
    by_epochs = {**row, "training": {"local_epochs": 1}}
    if row["name"] in ("fedavg", "dp-fedavg"):
        at_equal_work(_experiment(unequal_corpus, by_epochs, **seconds), SIZES)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (_row("fedavg"), "5"),
        (_row("fedavg", protection="dp-sgd", protection_options=NOISE), "0.5 an utterance; then a step's at 5"),
        (_row("centralised", protection="dp-sgd", protection_options=NOISE), "0.5 an utterance"),
        (_row("centralised", protection="clipping"), "nothing is promised; then a step's at 5"),
        (_row("pate", protection="clipping"), "teachers: per utterance at 1"),
        (
            _row("fedavg", protection="clipping", protection_options={"granularity": "silo"}),
            "a step's at 5; then per silo's change at 1",
        ),
    ],
)
def test_the_clip_tells_of_all_that_cuts_and_in_which_order(
    row: dict[str, Any], told: str, unequal_corpus: Path
) -> None:  # fmt: skip
    experiment = _experiment(unequal_corpus, row, rounds=2)
    clip = RowAtWork(experiment, experiment.compare[0], SIZES).recipe()["clip"]
    assert told in clip
    assert clip.count("a step's at") == told.count("a step's at") or row["name"] == "pate"


def test_by_the_command_line_and_on_the_page(unequal_corpus: Path, tmp_path: Path) -> None:
    rows = [
        _row("fedavg", tuned="learning_rate of 0.1, 0.3 on draw 9"),
        _row("dp-fedavg", options=NOISE),
        _row("centralised"),
    ]
    experiment = _experiment(unequal_corpus, *rows, utterances=ALL)
    (tmp_path / "work.toml").write_text(experiment.to_toml())
    out = tmp_path / "run"
    done = command("fedasr.simulate", tmp_path / "work.toml", "--grid", "process", "--out", out, "--json")
    assert done.code == 0, done.err
    found = {row["name"]: row for row in json.loads(done.out)["rows"]}
    assert found["centralised"]["utterances"] == ALL
    assert found["fedavg"]["recipe"]["tuned"] == "learning_rate of 0.1, 0.3 on draw 9"
    assert found["centralised"]["recipe"]["schedule"] == "one cycle"
    assert found["dp-fedavg"]["recipe"]["clip"] == "a step's at 5; then 0.5 a silo"
    page = (out / "report.html").read_text()
    assert "learning_rate of 0.1, 0.3 on draw 9" in page
    assert "public utterances" in page
