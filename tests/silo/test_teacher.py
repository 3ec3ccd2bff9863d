"""Teachers: what they say is what their own model says, whoever else was asked in between."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flwr.app import RecordDict
from support.greedy_labels import greedy_labels
from support.running import tiny_table
from support.tolerance import of_a_deviation, rounding

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.prefix import prefix_scorer
from fedasr.asr.recogniser import Recogniser, digest
from fedasr.common.errors import RowError
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared, prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.messages.records import arrays_of, own_copy, viewed
from fedasr.messages.train_reply import utterances_of
from fedasr.messages.train_request import TrainRequest
from fedasr.messages.votes import Question, padded
from fedasr.runs.stages.stage_folder import StageFolder
from fedasr.silo.host import SiloHost
from fedasr.silo.teachers import hearing, scorers
from fedasr.silo.teachers.stages import teacher_stage
from fedasr.silo.teachers.teacher import TEACHER, train_teacher
from fedasr.silo.teachers.teacher_votes import posterior, vote_candidate, vote_frames, vote_label
from fedasr.voting.posteriors import grid_at_teachers

MOST = 6


@pytest.fixture(scope="module", params=["ctc", "transducer"])
def voters(request: pytest.FixtureRequest, _surroundings: None) -> tuple[SiloHost, list[RecordDict]]:
    """Return a host and what three of its silos keep, far enough from one another to say different things."""
    table = tiny_table(
        corpus={"speakers": 10, "unlabelled_speakers": 1},
        training={"learning_rate": 1.5},
        model={"head": request.param},
    )
    host = silo_host(prepare_experiment(Experiment.from_table(table), 1, Watcher()), RowSpec("votes", "fedavg"), 5)
    torch.manual_seed(3)
    weights = Recogniser(host.recogniser_spec, host.tokens).weights()
    weights = {name: array * np.float32(3) for name, array in weights.items()}
    states = [RecordDict() for _ in range(3)]
    for number, state in enumerate(states):
        train_teacher(host, host.silo(number), TrainRequest(weights, 1, steps=2), state)
    return host, states


def _question(host: SiloHost, prefixes: list[list[int]], sigma: float = 0.0) -> Question:
    return Question(np.arange(len(host.public_speech), dtype=np.int32), padded(prefixes), sigma=sigma)


def _greedy(host: SiloHost, state: RecordDict) -> list[list[int]]:
    recogniser = Recogniser(host.recogniser_spec, host.tokens)
    recogniser.load(arrays_of(state.array_records[TEACHER]))
    speech = host.public_speech
    batch = make_batch([speech.features(place) for place in range(len(speech))])
    return greedy_labels(prefix_scorer(recogniser.eval(), batch.features_BTF, batch.lengths_B), MOST)


def _asked_in_turn(host: SiloHost, states: list[RecordDict]) -> list[list[list[int]]]:
    """Ask all teachers for each label in turn, each about a prefix of its own."""
    end, said = host.tokens.size, [[[] for _ in range(len(host.public_speech))] for _ in states]
    for _ in range(MOST):
        for number, state in enumerate(states):
            ended = [bool(row) and row[-1] == end for row in said[number]]
            votes = vote_label(host, host.silo(number), _question(host, said[number]), state).tolist()
            for row, is_ended, vote in zip(said[number], ended, votes, strict=True):
                row.append(end if is_ended else vote + 1)
    return [[[label for label in row if label != end] for row in rows] for rows in said]


@pytest.mark.parametrize("kept", [512, 1, 0])
def test_votes_spell_each_teachers_own_greedy_transcript(
    voters: tuple[SiloHost, list[RecordDict]], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transducer's scorer reads the prediction network at every label: it must be its own teacher's."""
    host, states = voters
    monkeypatch.setattr(scorers, "SCORERS_KEPT", kept)
    expected = [_greedy(host, state) for state in states]
    assert len({str(said) for said in expected}) > 1, "teachers that say the same show nothing"
    assert _asked_in_turn(host, states) == expected


def test_a_teacher_that_is_handed_over_with_each_message_is_known_again(
    voters: tuple[SiloHost, list[RecordDict]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker gives each message a copy of what the silo keeps, whose arrays are the same."""
    host, states = voters
    made, heard = [], hearing.heard
    monkeypatch.setattr(hearing, "heard", lambda *parts: made.append(parts) or heard(*parts))
    said: list[list[int]] = [[] for _ in range(len(host.public_speech))]
    kept = viewed(states[0])
    for _ in range(3):
        own = own_copy(kept)
        votes = vote_label(host, host.silo(0), _question(host, said), own).tolist()
        said, kept = [[*row, vote + 1] for row, vote in zip(said, votes, strict=True)], viewed(own)
    assert len(made) == 1


def test_another_teacher_of_the_same_silo_is_not_taken_for_it(voters: tuple[SiloHost, list[RecordDict]]) -> None:
    host, states = voters
    empty = _question(host, [[] for _ in range(len(host.public_speech))])
    answers = [posterior(host, host.silo(0), empty, state) for state in states]
    assert not np.array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(posterior(host, host.silo(0), empty, states[0]), answers[0])


def test_a_posterior_is_one_and_the_vote_is_its_best(voters: tuple[SiloHost, list[RecordDict]]) -> None:
    host, states = voters
    question = _question(host, [[1 + place] for place in range(len(host.public_speech))])
    found = posterior(host, host.silo(1), question, states[1])
    assert found.shape == (len(host.public_speech), host.tokens.size)
    np.testing.assert_allclose(found.sum(1), 1, rtol=rounding(2 * found.shape[1]))
    assert found.argmax(1).tolist() == vote_label(host, host.silo(1), question, states[1]).tolist()


def test_a_teachers_own_noise_has_its_deviation_and_is_secure_unless_asked_otherwise(
    voters: tuple[SiloHost, list[RecordDict]],
) -> None:
    host, states = voters
    prefixes: list[list[int]] = [[] for _ in range(len(host.public_speech))]
    clean = posterior(host, host.silo(0), _question(host, prefixes), states[0])

    def noise(of: SiloHost, sigma: float = 2.0, silo: int = 0) -> Any:
        steps = posterior(of, of.silo(silo), _question(of, prefixes, sigma), states[0])
        assert steps.dtype == np.int32, "whole steps of a public grid"
        return steps * grid_at_teachers(sigma, clean.shape[1]).step - clean

    drawn = np.concatenate([noise(host).ravel() for _ in range(40)])
    assert np.std(drawn) == pytest.approx(2.0, rel=of_a_deviation(len(drawn)))
    assert not np.array_equal(noise(host), noise(host))
    open_ = replace(host, reproducible_noise=True)
    np.testing.assert_array_equal(noise(open_), noise(open_))
    assert not np.array_equal(noise(open_), noise(open_, silo=1))


def test_the_best_candidate_is_the_teachers_own_transcript_wherever_it_stands(
    voters: tuple[SiloHost, list[RecordDict]],
) -> None:
    host, states = voters
    found = []
    for state in states:
        for place in (0, 1, 2):
            lists = [[[1, 1, 1, 1, 1], [2, 2, 2, 2, 2], [3, 4, 3, 4, 3]] for _ in range(len(host.public_speech))]
            order = [rows[place:] + rows[:place] for rows in lists]
            rows = [(number, labels) for number, said in enumerate(order) for labels in said]
            utterances = np.arange(len(order), dtype=np.int32)
            owners = np.array([number for number, _ in rows], np.int32)
            question = Question(utterances, padded([labels for _, labels in rows]), owners)
            answers = vote_candidate(host, host.silo(0), question, state).tolist()
            found.append([said[answer] for said, answer in zip(order, answers, strict=True)])
    assert found[0] == found[1] == found[2]
    assert found[3] == found[4] == found[5]


def test_frames_are_voted_on_with_ctc_alone(voters: tuple[SiloHost, list[RecordDict]]) -> None:
    host, states = voters
    speech = host.public_speech
    question = Question(np.arange(len(speech), dtype=np.int32))
    if host.recogniser_spec.head != "ctc":
        with pytest.raises(RowError, match="head"):
            vote_frames(host, host.silo(0), question, states[0])
        return
    frames = [-(-speech.frames(place) // 3) for place in range(len(speech))]
    together = vote_frames(host, host.silo(0), question, states[0])
    assert len(together) == sum(frames)
    assert set(together.tolist()) <= set(range(host.tokens.size))


def test_the_reply_says_nothing_that_training_found(voters: tuple[SiloHost, list[RecordDict]]) -> None:
    host, states = voters
    state = RecordDict()
    weights = arrays_of(states[0].array_records[TEACHER])
    reply = train_teacher(host, host.silo(2), TrainRequest(weights, 1, steps=1), state)
    assert [*reply] == ["metrics"]
    assert set(reply.metric_records["metrics"]) == {"num-examples"}
    assert utterances_of(reply) == 3
    assert digest(arrays_of(state.array_records[TEACHER])) != digest(weights)


def test_a_silo_without_a_teacher_does_not_vote(prepared: Prepared) -> None:
    host = silo_host(prepared, RowSpec("votes", "fedavg"), 5)
    with pytest.raises(RowError, match="before it trained a teacher"):
        vote_label(host, host.silo(0), Question(np.zeros(0, np.int32)), RecordDict())


def test_a_teacher_with_noise_of_a_guarantee_in_it_is_not_kept(prepared: Prepared, tmp_path: Path) -> None:
    """Another row that found it would publish the same noise twice."""
    row = RowSpec("votes", "fedavg", protection="dp-sgd", protection_options={"noise_multiplier": 1.0, "batch_size": 2})
    plain, noisy = (
        replace(silo_host(prepared, of, 5), stages=StageFolder(tmp_path, "row", 1 << 20))
        for of in (RowSpec("votes", "fedavg"), row)
    )
    request = TrainRequest(plain.recogniser.weights(), 1, steps=1)
    assert teacher_stage(plain, plain.silo(0), request) is not None
    assert teacher_stage(noisy, noisy.silo(0), request) is None
    assert teacher_stage(replace(noisy, reproducible_noise=True), noisy.silo(0), request) is not None
