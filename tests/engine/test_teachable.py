"""A row that cannot be taught is refused before anything is trained, in a line."""

from __future__ import annotations

from typing import Any

import pytest
from support.running import tiny_table

from fedasr.engine.teachable import unteachable
from fedasr.experiment.experiment import Experiment
from fedasr.server.strategies_by_name import build_strategy


def _refused(row: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    chosen = {"name": "row", "strategy": "fedavg", "objective": "distilled", **row}
    experiment = Experiment.from_table(tiny_table(**{"compare": [chosen], **changes}))
    (spec,) = experiment.compare
    return [*unteachable(experiment, spec, build_strategy(spec, experiment.training_of(spec), 4))]


@pytest.mark.parametrize("strategy", ["fedavg", "bmuf", "gtc", "sync-sgd", "scaffold", "centralised"])
def test_strategies_that_ask_a_teacher_are_taught(strategy: str) -> None:
    options = {"block_momentum": 0.5} if strategy == "bmuf" else {}
    assert _refused({"strategy": strategy, "options": options}) == []


@pytest.mark.parametrize("strategy", ["local-only", "public-only", "pate"])
def test_strategies_that_ask_none_are_refused(strategy: str) -> None:
    (found,) = _refused({"strategy": strategy})
    assert found == ("objective", f"'distilled' needs a teacher, and '{strategy}' asks none; set another strategy")
    assert _refused({"strategy": strategy, "objective": "labelled"}) == []


def test_teacher_and_student_must_hear_frames_of_one_length() -> None:
    coarse = {"roles": {"teacher": {"subsampling": "convolutional"}}}
    ((key, line),) = _refused({}, **coarse)
    assert key == "objective"
    assert "a teacher's frame is 40 ms and a student's 30 ms" in line
    assert _refused({"objective_options": {"targets": "greedy"}}, **coarse) == []


def test_a_head_that_scores_no_frames_is_taught_by_texts_alone() -> None:
    transducer = {"roles": {"teacher": {"head": "transducer"}}}
    ((_, line),) = _refused({}, **transducer)
    assert line.startswith("the head 'transducer' scores no frames")
    assert _refused({"objective_options": {"targets": "greedy"}}, **transducer) == []


def test_a_head_that_labels_frames_is_taught_by_frames_alone() -> None:
    frames = {"model": {"head": "frames", "tokens": "phones"}}
    ((_, line),) = _refused({"objective_options": {"targets": "greedy"}}, **frames)
    assert "set targets = 'frames'" in line
    assert _refused({}, **frames) == []


def test_texts_of_a_decoder_need_one() -> None:
    ((_, line),) = _refused({"objective_options": {"targets": "decoded"}})
    assert "set decoding.method" in line
    assert _refused({"objective_options": {"targets": "decoded"}}, decoding={"method": "lexicon"}) == []
