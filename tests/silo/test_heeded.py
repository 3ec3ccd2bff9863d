"""What a message says of local training is heeded, or refused by the name that its sender gave it."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from support.tree import CHECKOUT

from fedasr.common.errors import RowError
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import ALONE, GRADIENT, LABEL, TRAIN
from fedasr.messages.records import array_record
from fedasr.messages.train_request import OTHER_NAMES, REQUESTED, TrainRequest
from fedasr.protection.none import Unprotected
from fedasr.silo.heeded import LOCAL, as_asked, check_planned, check_records, is_heeded
from fedasr.silo.train import learning_rate

ROW = TrainingSpec(rounds=9, local_steps=3, learning_rate=0.3, decay=0.1)


def _content(**settings: Any) -> RecordDict:
    return RecordDict({"arrays": _arrays(), "config": ConfigRecord(settings)})


def _arrays() -> ArrayRecord:
    return array_record({"w": np.zeros(2, np.float32)})


@pytest.mark.parametrize(
    ("key", "value", "field", "found"),
    [
        ("lr", 0.0, "learning_rate", 0.0),
        ("learning_rate", 0.5, "learning_rate", 0.5),
        ("learning-rate", 1, "learning_rate", 1.0),
        ("batch-size", 5, "batch_size", 5),
        ("local-steps", 7, "local_steps", 7),
        ("momentum", 0.9, "momentum", 0.9),
        ("weight_decay", 0.01, "weight_decay", 0.01),
        ("gradient-norm", 2.0, "gradient_norm", 2.0),
        ("optimizer", "adamw", "optimizer", "adamw"),
    ],
)
def test_a_setting_of_local_training_takes_the_place_of_the_rows(key: str, value: Any, field: str, found: Any) -> None:
    asked = as_asked(ROW, TRAIN, _content(**{"server-round": 2, key: value}))
    assert getattr(asked, field) == found
    others = {name for name, was in vars(ROW).items() if getattr(asked, name) != was}
    assert others <= {field, *(("decay",) if field == "learning_rate" else ())}


def test_a_rate_that_is_sent_is_the_rate_of_the_round() -> None:
    asked = as_asked(ROW, TRAIN, _content(lr=0.2))
    assert [learning_rate(asked, round) for round in (0, 1, 5, 9)] == [0.2] * 4
    assert learning_rate(ROW, 0) == learning_rate(ROW, 1) == 0.3


@pytest.mark.parametrize("key", ["local-epochs", "local_epochs", "epochs", "num-epochs"])
def test_epochs_are_the_requests(key: str) -> None:
    content = _content(**{key: 4})
    assert as_asked(ROW, TRAIN, content) == ROW
    assert TrainRequest.from_record(content).epochs == 4


def test_a_batch_size_that_is_sent_counts_where_the_row_counts_in_seconds() -> None:
    asked = as_asked(TrainingSpec(batch_seconds=9.0), TRAIN, _content(**{"batch-size": 8}))
    assert (asked.batch_size, asked.batch_seconds) == (8, 0)


def test_steps_that_are_sent_are_counted_where_the_row_counts_in_epochs() -> None:
    asked = as_asked(TrainingSpec(local_epochs=2), TRAIN, _content(**{"local-steps": 5}))
    assert (asked.local_steps, asked.local_epochs) == (5, 0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"clipping_norm": 0.1}, "'clipping_norm', which no silo here heeds"),
        ({"temperature": 2.0}, "'temperature'"),
        ({"learning-rte": 0.1}, "did you mean 'learning-rate'"),
        ({"rounds": 3}, "'rounds'"),
        ({"lr": -1.0}, "'lr' must be a number of at least 0, not -1.0"),
        ({"lr": float("nan")}, "'lr'"),
        ({"lr": "fast"}, "'lr'"),
        ({"batch-size": 0}, "'batch-size'"),
        ({"batch-size": 2.5}, "'batch-size'"),
        ({"epochs": 0}, "'epochs'"),
        ({"local_steps": -3}, "'local_steps'"),
        ({"proximal-mu": -0.5}, "'proximal-mu'"),
        ({"proximal_mu": float("inf")}, "'proximal_mu'"),
        ({"server-round": -1}, "'server-round'"),
        ({"optimizer": "lion"}, "lion"),
        ({"lr": 0.1, "learning-rate": 0.2}, "twice"),
        ({"steps": 5}, "does not say its steps"),
    ],
)
def test_what_cannot_be_heeded_is_refused_by_its_name(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(RowError) as refusal:
        as_asked(ROW, TRAIN, _content(**settings))
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_kinds_leave_different_things_to_the_message() -> None:
    assert as_asked(ROW, ALONE, _content(steps=5)) == ROW
    assert as_asked(ROW, LABEL, _content(sigma=5.0)) == ROW  # a question is no training
    for key in ("local-steps", "epochs"):
        with pytest.raises(RowError, match="takes one step"):
            as_asked(ROW, GRADIENT, _content(**{key: 5}))


def test_a_client_half_reads_names_of_its_own() -> None:
    assert as_asked(ROW, TRAIN, _content(alpha=0.1, lr=0.2), ("alpha",)).learning_rate == 0.2
    with pytest.raises(RowError, match="'beta'"):
        as_asked(ROW, TRAIN, _content(beta=0.1), ("alpha",))


@pytest.mark.parametrize("key", ["local-steps", "local_epochs", "epochs", "batch-size", "batch_size"])
def test_under_a_guarantee_what_was_planned_is_not_the_messages_to_change(key: str) -> None:
    promised: Any = SimpleNamespace(guarantee=object())
    with pytest.raises(RowError, match=f"'{key}'"):
        check_planned(TRAIN, _content(**{key: 2}), promised)
    check_planned(TRAIN, _content(**{"lr": 0.2, "server-round": 1, "proximal-mu": 0.1}), promised)
    check_planned(TRAIN, _content(**{key: 2}), Unprotected())


def test_records_that_nobody_reads_are_refused() -> None:
    check_records(TRAIN, _content(lr=0.1))
    for more in (_arrays(), ConfigRecord({"lr": 0.1}), MetricRecord({"norm": 1.0})):
        content = RecordDict({**_content(), "more": more})
        with pytest.raises(RowError, match="'more'"):
            check_records(TRAIN, content)
        check_records(LABEL, content)


def test_a_message_without_a_round_is_of_the_round_of_its_exchange() -> None:
    told, untold = _content(**{"server-round": 2}), _content()
    assert (TrainRequest.from_record(untold, 5).round, TrainRequest.from_record(untold, 5).dice) == (5, 5)
    assert (TrainRequest.from_record(told, 5).round, TrainRequest.from_record(told, 5).dice) == (2, 5)
    assert TrainRequest.from_record(told).dice == 2


@pytest.mark.parametrize("key", ["server-round", "server_round", "round", "current_round", "epoch"])
def test_a_round_is_told_by_any_of_its_names(key: str) -> None:
    assert as_asked(ROW, TRAIN, _content(**{key: 2})) == ROW
    assert TrainRequest.from_record(_content(**{key: 2}), 5).round == 2


def test_all_that_silos_heed_stands_in_the_documents() -> None:
    page = (CHECKOUT / "docs/how-to/extend.md").read_text(encoding="utf-8")
    table = page.partition("### What it may tell the silos")[2].partition("\n## ")[0]
    lines = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    written = set(re.findall(r"`([a-z-]+)`", str(lines)))
    assert written == {*LOCAL, *REQUESTED, *OTHER_NAMES}
    assert all(is_heeded(name) for name in written)
