"""Under a guarantee a silo says nothing of its speech beside its arrays, and the simulator still knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from flwr.app import ConfigRecord, Message, MetricRecord, RecordDict

from fedasr.asr.recogniser import Recogniser
from fedasr.common.randomness import Streams
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.experiment.row_spec import RowSpec
from fedasr.grid.in_process import InProcess
from fedasr.grid.rules import Rules
from fedasr.messages.kinds import GRADIENT, TEACHER, TRAIN, Kind
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.app import SILO, SiloApp
from fedasr.silo.client import Answer, ClientHalf
from fedasr.silo.host import SiloHost
from fedasr.silo.work import Work

DP_SGD = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 2}}
PUBLIC = {"num-examples", "uniform"}
"""How many utterances a silo holds is taken as public, and that all count alike is."""


def _host(prepared: Prepared, strategy: str = "fedavg", **row: Any) -> SiloHost:
    return silo_host(prepared, RowSpec("guarded", strategy, **row), 5)


def _answers(prepared: Prepared, host: SiloHost, kind: Kind, client: ClientHalf | None = None) -> Any:
    """Return what came of one message to each silo, in this process, and the messages as they were counted."""
    rules = Rules(kinds=client.kinds() if client else {})
    silos = range(len(prepared.partition.silos))
    grid = InProcess().open_grid(SiloApp(host, client), {n: {SILO: n} for n in silos}, Streams(5), rules)
    steps = 2 if kind.steps == "request" else None
    torch.manual_seed(0)
    weights = Recogniser(host.recogniser_spec, host.tokens).weights()
    content = TrainRequest(weights, 1, steps=steps).to_record()
    answers = grid.exchange([Message(content, node, kind.name) for node in grid.get_node_ids()], round=1)
    return answers, [message for message in grid.log.traffic if message.direction == "up"]


def _told(answers: Any) -> set[str]:
    """Return the names of all that replies say beside their arrays."""
    contents = [reply.content for reply in answers.good]
    metrics = {name for content in contents for record in content.metric_records.values() for name in record}
    return metrics | {name for content in contents for name in content.config_records}


@pytest.mark.parametrize(
    ("strategy", "row", "kind", "told"),
    [
        ("fedavg", {}, TRAIN, {*PUBLIC, "loss", "audio-seconds"}),
        ("fedavg", DP_SGD, TRAIN, PUBLIC),
        ("fedavg", DP_SGD, GRADIENT, PUBLIC),
        ("pate", {}, TEACHER, {"num-examples"}),
    ],
)
def test_a_guarded_silo_says_how_many_utterances_it_has_and_no_more(
    prepared: Prepared, strategy: str, row: dict[str, Any], kind: Kind, told: set[str]
) -> None:
    answers, _ = _answers(prepared, _host(prepared, strategy, **row), kind)
    assert len(answers.good) == len(prepared.partition.silos)
    assert _told(answers) == told


@pytest.mark.parametrize(("strategy", "row", "kind"), [("fedavg", DP_SGD, TRAIN), ("pate", {}, TEACHER)])
def test_the_simulator_knows_the_seconds_that_a_guarded_silo_does_not_say(
    prepared: Prepared, strategy: str, row: dict[str, Any], kind: Kind
) -> None:
    """Simulated time is made of them: they are those that an unguarded silo would say."""
    answers, messages = _answers(prepared, _host(prepared, strategy, **row), kind)
    assert all(outcome.heard_seconds and outcome.heard_seconds > 0 for outcome in answers.outcomes)
    assert [message.audio_seconds for message in messages] == [outcome.heard_seconds for outcome in answers.outcomes]


def test_what_the_simulator_saw_is_what_an_unguarded_silo_says(prepared: Prepared) -> None:
    answers, messages = _answers(prepared, _host(prepared), TRAIN)
    said = [outcome.metric("audio-seconds") for outcome in answers.outcomes]
    assert said == [outcome.heard_seconds for outcome in answers.outcomes]
    assert said == [message.audio_seconds for message in messages]


def test_the_envelope_of_a_guarded_reply_does_not_depend_on_what_was_read(prepared: Prepared) -> None:
    _, messages = _answers(prepared, _host(prepared, **DP_SGD), TRAIN)
    assert len({message.audio_seconds for message in messages}) > 1
    assert len({(message.blob_bytes, message.envelope_bytes) for message in messages}) == 1


@dataclass(frozen=True)
class Talkative(ClientHalf):
    """Trains as ever, and says one thing more."""

    what: str = "metric"

    def answers(self) -> Mapping[Kind, Answer]:
        return {TRAIN: self.train}

    def train(self, work: Work, content: RecordDict) -> RecordDict:
        request = work.request(content)
        work.recogniser.load(request.weights)
        reply = work.reply(request, work.descend(request))
        if self.what == "metric":
            reply.metric_records["metrics"]["longest"] = max(work.speech.seconds_of())
        elif self.what == "second record":
            reply["more"] = MetricRecord({"longest": max(work.speech.seconds_of())})
        else:
            reply["words"] = ConfigRecord({"first": work.speech.text(0)})
        return reply


@pytest.mark.parametrize(("what", "name"), [("metric", "longest"), ("second record", "longest"), ("text", "words")])
def test_an_algorithm_that_tells_more_is_refused_under_a_guarantee(prepared: Prepared, what: str, name: str) -> None:
    client = Talkative(what)
    free, _ = _answers(prepared, _host(prepared), TRAIN, client)
    assert len(free.good) == len(prepared.partition.silos)
    guarded, _ = _answers(prepared, _host(prepared, **DP_SGD), TRAIN, client)
    assert not guarded.good
    assert all(f"tells {name}, and the row's guarantee" in outcome.error for outcome in guarded.failed)


@pytest.mark.parametrize(
    ("changes", "is_guarded"), [({}, False), ({"is_silent": True}, True), ({"promises": True}, True)]
)
def test_a_host_is_guarded_at_the_boundary_and_by_a_promising_strategy(
    prepared: Prepared, changes: dict[str, bool], is_guarded: bool
) -> None:
    assert replace(_host(prepared), **changes).is_guarded == is_guarded


def test_the_model_is_the_same_whatever_is_told(prepared: Prepared) -> None:
    """What is not said changes no bit: the same arrays come of a guarded and of an unguarded silo."""
    plain = _host(prepared)
    arrays = [
        {name: array.numpy() for name, array in answers.good[0].content.array_records["arrays"].items()}
        for answers, _ in (_answers(prepared, host, TRAIN) for host in (plain, replace(plain, promises=True)))
    ]
    assert all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])
