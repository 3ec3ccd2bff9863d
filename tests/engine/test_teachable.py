"""A row that cannot be taught is refused before anything is trained, in a line."""

from __future__ import annotations

from typing import Any

import pytest
from support.running import tiny_table

from fedasr.engine.teachable import ill_matched, unteachable
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


@pytest.mark.parametrize("row", [{"strategy": "centralised"}, {"strategy": "public-only", "options": {"epochs": 2}}])
def test_public_speech_is_labelled_by_the_start_at_the_centre(row: dict[str, Any]) -> None:
    assert _refused({"objective": "self-trained", **row}, corpus={"unlabelled_speakers": 1}) == []
    ((_, line),) = _refused({"objective": "self-trained", **row})
    assert line == "'self-trained' needs public unlabelled speech; set corpus.unlabelled_speakers"


@pytest.mark.parametrize("strategy", ["fedavg", "local-only", "pate", "public-only"])
def test_nobody_else_trains_itself(strategy: str) -> None:
    ((_, line),) = _refused({"strategy": strategy, "objective": "self-trained"}, corpus={"unlabelled_speakers": 1})
    why = f"at the centre, and '{strategy}' trains nobody there, or for no epochs; set another"
    assert line == f"'self-trained' learns public speech {why}"


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


def test_no_silo_is_told_what_others_said_by_the_words_of_a_decoder() -> None:
    spied = {"decoding": {"method": "lexicon", "text": "silos"}}
    ((_, line),) = _refused({"objective_options": {"targets": "decoded"}}, **spied)
    assert "would tell silos what others said" in line
    assert _refused({}, **spied) == []


def test_a_misspelt_role_of_a_teacher_is_told() -> None:
    ((_, line),) = _refused({}, roles={"techer": {"units": 20}})
    assert "there is no [roles.teacher], only [roles.techer]" in line


def test_an_untrained_teacher_is_refused() -> None:
    ((_, line),) = _refused({}, model={"start": "scratch"})
    assert "an untrained teacher knows nothing" in line


def _ill(row: dict[str, Any], is_promised: bool = False, **changes: Any) -> list[tuple[str, str]]:
    experiment = Experiment.from_table(tiny_table(**{"compare": [{"name": "row", **row}], **changes}))
    (spec,) = experiment.compare
    strategy = build_strategy(spec, experiment.training_of(spec), 4)
    return [*ill_matched(experiment, spec, strategy, is_promised)]


def test_a_promise_is_for_what_is_learnt_from_silos() -> None:
    ((key, line),) = _ill({"strategy": "fedavg", "objective": "labelled"}, is_promised=True)
    assert (key, "no promise is needed" in line) == ("objective", True)
    assert _ill({"strategy": "fedavg", "objective": "distilled"}, is_promised=True) == []


def test_lots_that_a_protection_draws_do_not_go_with_an_order_of_batches() -> None:
    row = {"strategy": "fedavg", "protection": "dp-sgd", "protection_options": {"epsilon": 8.0, "batch_size": 2}}
    ((key, _),) = _ill({**row, "objective": "interleaved"})
    assert key == "protection"
    assert _ill({**row, "objective": "distilled"}) == []


@pytest.mark.parametrize(("share", "least"), [(0.25, 4), (0.8, 5), (0.5, 2)])
def test_segregated_batches_need_a_round_of_each_kind(share: float, least: int) -> None:
    row = {"strategy": "fedavg", "objective": "interleaved"}
    for order, rounds, refused in (
        ("segregated", least - 1, True), ("segregated", least, False), ("interleaved", 1, False),
    ):  # fmt: skip
        options = {"order": order, "labelled_share": share}
        found = _ill({**row, "objective_options": options}, training={"rounds": rounds})
        assert [key for key, _ in found] == ["training"] * refused


def test_gradients_of_public_speech_are_no_part_of_the_work() -> None:
    work = {"work": {"utterances": 48}, "training": {"rounds": 20}}
    for strategy, objective, refused in (
        ("fedavg", "interleaved", True), ("fedavg", "labelled", True), ("centralised", "labelled", True),
        ("centralised", "interleaved", False), ("fedavg", "distilled", False), ("centralised", "self-trained", True),
    ):  # fmt: skip
        found = _ill({"strategy": strategy, "objective": objective}, **work)
        assert [key for key, _ in found] == ["objective"] * refused, (strategy, objective)
