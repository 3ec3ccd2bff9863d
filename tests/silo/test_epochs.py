"""Local work in epochs: a silo of two utterances and one of nine do as many passes, and not as many steps."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from flwr.app import RecordDict
from support.unequal import SIZES, run_unequal

from fedasr.asr.recogniser import Recogniser, Weights, digest
from fedasr.common.errors import RowError, UserError
from fedasr.common.files import read_lines
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.experiment.row_spec import RowSpec
from fedasr.messages.kinds import ALONE, GRADIENT, TRAIN, Kind
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.host import SiloHost
from fedasr.silo.train import steps_asked, train
from fedasr.silo.work import Work
from fedasr.training.batches import seconds_of

BATCH = 2
"""Utterances of a step of `unequal_table`: the silos of 5, 2, 9 and 9 take 3, 1, 5 and 5 steps a pass."""


@pytest.fixture
def weights(unequal: Prepared) -> Weights:
    torch.manual_seed(0)
    return Recogniser(unequal.recogniser_spec, unequal.tokens).weights()


def _host(unequal: Prepared, **training: object) -> SiloHost:
    return silo_host(unequal, RowSpec("row", "fedavg", training=training), 4)


@pytest.mark.parametrize("epochs", [1, 3])
def test_every_silo_reads_all_its_speech_as_often(epochs: int, unequal: Prepared, weights: Weights) -> None:
    by_epochs = _host(unequal, local_epochs=epochs)
    for number, size in enumerate(SIZES):
        silo, request = by_epochs.silo(number), TrainRequest(weights, 1)
        steps = epochs * math.ceil(size / BATCH)
        assert steps_asked(by_epochs, silo, request) == steps
        reply = train(by_epochs, silo, request, RecordDict())
        assert reply.audio_seconds == pytest.approx(epochs * seconds_of(silo.speech))
        by_steps = train(_host(unequal, local_steps=steps), silo, request, RecordDict())
        assert digest(reply.arrays) == digest(by_steps.arrays)


def test_a_request_says_more_than_the_row(unequal: Prepared, weights: Weights) -> None:
    host = _host(unequal, local_epochs=2)
    for request, steps in (
        (TrainRequest(weights, 1), 10),
        (TrainRequest(weights, 1, steps=7), 7),
        (TrainRequest(weights, 1, epochs=4), 20),
    ):
        assert steps_asked(host, host.silo(2), request) == steps


@pytest.mark.parametrize("kind", [TRAIN, GRADIENT])
def test_what_is_charged_by_the_row_is_not_for_a_message_to_say(
    kind: Kind, unequal: Prepared, weights: Weights
) -> None:
    host = silo_host(unequal, RowSpec("row", "fedavg"), 5)
    content = TrainRequest(weights, 1, steps=3).to_record()
    with pytest.raises(RowError, match="does not say its steps"):
        Work(host, host.silo(0), kind, 1, RecordDict()).request(content)
    assert Work(host, host.silo(0), ALONE, 1, RecordDict()).request(content).steps == 3


def test_rows_in_epochs_take_the_time_of_what_they_read(
    unequal_corpus: Path, unequal: Prepared, tmp_path: Path
) -> None:
    rows = [{"name": name, "strategy": name} for name in ("fedavg", "local-only")]
    found = run_unequal(unequal_corpus, tmp_path / "run", *rows, training={"local_epochs": 2, "rounds": 3})
    assert [row["status"] for row in found] == ["finished", "finished"]
    host = _host(unequal)
    held = [seconds_of(host.silo(number).speech) for number in range(len(SIZES))]
    for name, messages in (("fedavg", 3), ("local-only", 1)):
        read = [0.0] * len(SIZES)
        lines = [m for m in read_lines(tmp_path / "run" / name / "traffic.jsonl") if m["direction"] == "up"]
        for line in lines:
            read[line["silo"]] += line["audio_seconds"]
        assert len(lines) == messages * len(SIZES)
        np.testing.assert_allclose(read, [6 * seconds for seconds in held])
    assert found[0]["simulated_seconds"] > 0


@pytest.mark.parametrize(
    "training", [{"local_steps": 3, "local_epochs": 1}, {"local_epochs": -1}, {"local_epochs": 1.5}]
)
def test_a_round_counted_twice_or_not_at_all_is_refused(training: dict[str, object], unequal: Prepared) -> None:
    experiment = unequal.experiment
    with pytest.raises(UserError, match=r"local_(steps|epochs)"):
        experiment.training_of(RowSpec("row", "fedavg", training=training))
    with pytest.raises(UserError, match=r"local_(steps|epochs)"):
        experiment.with_values({f"training.{key}": value for key, value in training.items()})


def test_a_row_that_counts_otherwise_than_the_others_says_so_once(unequal: Prepared) -> None:
    in_steps = unequal.experiment.with_value("training.local_steps", 7)
    assert in_steps.training_of(RowSpec("row", "fedavg", training={"local_epochs": 1})).local_epochs == 1
    in_epochs = unequal.experiment.only(training=replace(unequal.experiment.training, local_epochs=3))
    found = in_epochs.training_of(RowSpec("row", "fedavg", training={"local_steps": 7}))
    assert (found.local_steps, found.local_epochs) == (7, 0)
