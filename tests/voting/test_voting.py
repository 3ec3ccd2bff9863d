"""What votes cost and say, with teachers who need no training."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.ballots import TOKENS, Electorate, Teacher, ballot, counted, frames_of, nobody
from support.draws import examples
from support.tolerance import of_a_deviation

from fedasr.common.errors import RowError
from fedasr.common.files import read_lines
from fedasr.messages.kinds import LABEL, POSTERIOR, Kind
from fedasr.messages.votes import Question
from fedasr.privacy.accounting.budget import BudgetExhaustedError
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.voting.ballot import histogram
from fedasr.voting.candidates import vote_on_candidates
from fedasr.voting.frames import collapsed, vote_on_frames
from fedasr.voting.labels import vote_on_labels
from fedasr.voting.posteriors import probabilities

SAID = {0: [1, 2], 1: [], 2: [5, 5, 1], 3: [3]}
WHOLE = [[0, 1, 2, 3]]
QUIET = GNMax(1e-3)


@pytest.mark.parametrize("mechanism", [QUIET, LNMax(1e-3), ConfidentGNMax(1e-3, 0.5, 1e-3), NoisyMean(1e-6, 1)])
def test_one_teacher_almost_without_noise_is_heard_word_for_word(mechanism: Any, tmp_path: Path) -> None:
    votes = ballot(tmp_path, mechanism, Electorate([Teacher(SAID)]), 1e15)
    assert vote_on_labels(votes, WHOLE, TOKENS, 9) == SAID
    assert votes.asked == sum(len(labels) + 1 for labels in SAID.values())
    assert counted(votes) == votes.asked * (2 if isinstance(mechanism, ConfidentGNMax) else 1)


@pytest.mark.parametrize("chunks", [WHOLE, [[0, 1], [2, 3]], [[3], [1], [0], [2]]])
def test_neither_equal_teachers_nor_the_chunks_change_what_is_said_or_paid(
    chunks: list[list[int]], tmp_path: Path
) -> None:
    votes = ballot(tmp_path, QUIET, Electorate([Teacher(SAID)] * 7), teachers=7)
    assert vote_on_labels(votes, chunks, TOKENS, 9) == SAID
    assert counted(votes) == 10


def test_an_utterance_ends_unasked_at_the_most_labels(tmp_path: Path) -> None:
    votes = ballot(tmp_path, QUIET, Electorate([Teacher({0: [1] * 9, 1: [2]})]))
    assert vote_on_labels(votes, [[0, 1]], TOKENS, 4) == {0: [1] * 4, 1: [2]}
    assert counted(votes) == 4 + 2


DIVIDED = [Teacher({**SAID, 2: said}) for said in ([1], [2], [5, 5, 1])]
"""Three teachers who agree on all utterances but the third."""
CONFIDENT = ConfidentGNMax(1e-3, 2.5, 1e-3)


def test_where_the_check_fails_no_candidate_is_taken(tmp_path: Path) -> None:
    """An abstention is no class: it must not pick the last candidate of the list."""
    lists = {0: [[3], [1, 2]], 1: [[2], []], 2: [[1], [2], [5, 5, 1], [4]], 3: [[3]]}
    votes = ballot(tmp_path, CONFIDENT, Electorate(DIVIDED), 1e15, teachers=3)
    assert vote_on_candidates(votes, [[0, 1], [2, 3]], lists) == {0: [1, 2], 1: [], 3: [3]}
    assert (votes.asked, votes.abstained) == (4, 1)
    assert counted(votes) == 4 + 3, "every check, and each answer that was given"


def test_where_the_check_fails_an_utterance_has_no_transcript(tmp_path: Path) -> None:
    votes = ballot(tmp_path, CONFIDENT, Electorate(DIVIDED), 1e15, teachers=3)
    assert vote_on_labels(votes, [[0, 1], [2, 3]], TOKENS, 9) == {0: [1, 2], 1: [], 3: [3]}
    assert votes.abstained == 1


def test_a_frame_without_an_answer_says_nothing(tmp_path: Path) -> None:
    frames = [len(frames_of(SAID[place])) for place in range(4)]
    ask = Electorate([Teacher(SAID), Teacher(SAID), Teacher({**SAID, 2: [5, 4, 1]})])
    votes = ballot(tmp_path, CONFIDENT, ask, 1e15, teachers=3)
    assert vote_on_frames(votes, WHOLE, frames, TOKENS) == {**SAID, 2: [5, 1]}
    assert votes.abstained == 2


def test_candidates_cost_one_vote_and_the_lists_may_be_ragged(tmp_path: Path) -> None:
    lists = {0: [[1], [1, 2]], 1: [[]], 2: [[2], [1], [5, 5, 1]], 3: []}
    votes = ballot(tmp_path, QUIET, Electorate([Teacher(SAID)] * 3), teachers=3)
    assert vote_on_candidates(votes, [[0, 1], [2, 3]], lists) == {0: [1, 2], 1: [], 2: [5, 5, 1]}
    assert counted(votes) == 3
    assert {part.shape[1] for part in votes.histograms} == {3}


def test_frames_cost_a_vote_each_and_stop_before_an_utterance_that_cannot_be_paid(tmp_path: Path) -> None:
    frames = [len(frames_of(SAID[place])) for place in range(4)]
    votes = ballot(tmp_path, QUIET, Electorate([Teacher(SAID)]))
    assert vote_on_frames(votes, [[0, 1], [2, 3]], frames, TOKENS) == SAID
    assert counted(votes) == sum(frames) == 19
    poor = ballot(tmp_path / "poor", QUIET, Electorate([Teacher(SAID)]))
    poor.budget = poor.budget.at_most(QUIET, 9)
    assert vote_on_frames(poor, [[0, 1], [2, 3]], frames, TOKENS) == {0: [1, 2], 1: []}
    assert counted(poor) == 7


def test_repeats_are_one_label_and_a_blank_or_an_abstention_parts_them() -> None:
    assert collapsed([0, 1, 1, 0, 1, 2, 2, -1, 2]) == [1, 1, 2, 2]


def _noisy_teachers(number: int, seed: int) -> list[Any]:
    generator = np.random.default_rng(seed)

    def vote(kind: Kind, question: Question) -> np.ndarray:
        shape = (len(question.utterances),)
        return (
            generator.dirichlet(np.ones(TOKENS), shape) if kind == POSTERIOR else generator.integers(0, TOKENS, shape)
        )

    return [vote] * number


MECHANISMS = st.sampled_from(["gnmax", "lnmax", "confident", "mean"])


def _mechanism(kind: Kind, noise: float, teachers: int) -> Any:
    return {
        "gnmax": GNMax(noise), "lnmax": LNMax(noise), "mean": NoisyMean(noise / teachers, teachers),
        "confident": ConfidentGNMax(noise, teachers / 2, 1.5 * noise),
    }[kind]  # fmt: skip


@examples(30)
@given(
    kind=MECHANISMS, epsilon=st.floats(0.3, 30), noise=st.floats(3, 60), adjacency=st.sampled_from(
        ["replace-one", "add-remove"]), seed=st.integers(0, 99), chunk=st.integers(1, 9),
)  # fmt: skip
def test_whatever_the_teachers_say_the_target_is_not_passed(
    kind: Kind, epsilon: float, noise: float, adjacency: str, seed: int, chunk: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mechanism, places = _mechanism(kind, noise, 5), list(range(9))
        ask = Electorate(_noisy_teachers(5, seed))
        votes = ballot(Path(folder), mechanism, ask, epsilon, 5, adjacency=adjacency)
        found = vote_on_labels(votes, [places[at : at + chunk] for at in range(0, 9, chunk)], TOKENS, 3)
        assert sum(len(question.utterances) for question in ask.asked) == votes.asked
        assert votes.budget.spent(votes.releases.charged()) <= votes.budget.allowance.limit
        if votes.asked:
            account = votes.releases.account()
            assert account is not None
            assert account.epsilon is not None
            assert account.epsilon_spent is not None
            assert account.epsilon_spent <= account.epsilon * (1 + 1e-9) <= epsilon * (1 + 1e-9)
        if len(found) + votes.abstained < 9:
            assert votes.affordable() < 9, "it stopped with money left for all"


def test_what_the_budget_does_not_pay_is_not_asked_whoever_wants_it(tmp_path: Path) -> None:
    ask = Electorate([Teacher(SAID)])
    votes = ballot(tmp_path, GNMax(10.0), ask, epsilon=2.0)
    reach = votes.affordable()
    question = Question(np.zeros(reach + 1, np.int32), np.zeros((reach + 1, 0), np.int32))
    with pytest.raises(BudgetExhaustedError):
        votes.answers("votes", LABEL, question, TOKENS)
    assert (ask.asked, counted(votes)) == ([], 0)
    assert len(votes.answers("votes", LABEL, question.first(reach), TOKENS)) == reach
    assert votes.affordable() == 0


def test_every_answer_is_on_disk_and_charged_before_the_next_question(tmp_path: Path) -> None:
    stored = []

    def ask(kind: Kind, question: Question) -> list[Any]:
        lines = read_lines(tmp_path / "releases" / "ledger.jsonl")
        stored.append((len(list((tmp_path / "releases").glob("*.safetensors"))), len(lines)))
        return [Teacher(SAID)(kind, question)]

    vote_on_labels(ballot(tmp_path, QUIET, ask), WHOLE, TOKENS, 9)
    assert stored == [(n, n) for n in range(4)]


def test_stored_answers_are_neither_asked_for_nor_paid_again(tmp_path: Path) -> None:
    first = ballot(tmp_path, GNMax(1.0), Electorate([Teacher(SAID)] * 3), epsilon=60.0, teachers=3)
    found = vote_on_labels(first, WHOLE, TOKENS, 3)
    again = ballot(tmp_path, GNMax(1.0), nobody, epsilon=60.0, teachers=3)
    assert vote_on_labels(again, WHOLE, TOKENS, 3) == found
    assert again.releases.ledger.state() == first.releases.ledger.state()
    assert (again.asked, again.abstained) == (first.asked, first.abstained)
    for mine, theirs in zip(again.histograms, first.histograms, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_an_answer_that_is_lost_is_drawn_and_charged_again_even_if_it_is_the_same(tmp_path: Path) -> None:
    """And the budget knows: what was paid for the lost answer is missing at the end."""
    votes = ballot(tmp_path, QUIET, Electorate([Teacher(SAID)]))
    votes.budget = votes.budget.at_most(QUIET, 10)
    assert vote_on_labels(votes, WHOLE, TOKENS, 9) == SAID
    last = max((tmp_path / "releases").glob("votes.0.3.*"))
    last.unlink()
    again = ballot(tmp_path, QUIET, Electorate([Teacher(SAID)]))
    again.budget = again.budget.at_most(QUIET, 10)
    assert vote_on_labels(again, WHOLE, TOKENS, 9) == {0: [1, 2], 1: [], 3: [3]}
    assert counted(again) == 10
    again.budget = ballot(tmp_path / "other", QUIET, nobody).budget.at_most(QUIET, 20)
    assert vote_on_labels(again, WHOLE, TOKENS, 9) == SAID
    assert counted(again) == 11


def test_a_stored_answer_serves_the_very_same_question_alone(tmp_path: Path) -> None:
    vote_on_labels(ballot(tmp_path, QUIET, Electorate([Teacher(SAID)])), WHOLE, TOKENS, 9)
    ask = Electorate([Teacher(SAID)])
    votes = ballot(tmp_path, QUIET, ask)
    assert vote_on_labels(votes, [[2, 3], [0, 1]], TOKENS, 9) == SAID
    assert len(ask.asked) == 4 + 3 - 1, "only utterance 2 was asked about alone, after the same prefix, before"
    assert counted(votes) == 2 * 10 - 1


# Noise at the teachers


def _at_teachers(folder: Path, ask: Any, teachers: int = 4) -> Any:
    return ballot(folder, NoisyMean(0.5, teachers), ask, 1e6, teachers, noisy_teachers=teachers)


QUESTION = Question(np.array([0, 3], np.int32), np.zeros((2, 0), np.int32), sigma=1.0)


def test_noise_that_teachers_add_is_charged_per_attempt(tmp_path: Path) -> None:
    def cut_off(kind: Kind, question: Question) -> list[Any]:
        assert len(read_lines(tmp_path / "releases" / "ledger.jsonl")) == 1, "announced before it is asked for"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _at_teachers(tmp_path, cut_off).means("votes", QUESTION, TOKENS)
    second = _at_teachers(tmp_path, Electorate([Teacher(SAID)] * 4))
    assert second.means("votes", QUESTION, TOKENS).tolist() == [0, 2]
    assert [(r.digest, r.count) for r in second.releases.ledger.releases] == [("attempt 1", 2), ("attempt 2", 2)]
    third = _at_teachers(tmp_path, nobody)
    assert third.means("votes", QUESTION, TOKENS).tolist() == [0, 2]
    assert counted(third) == 4


def test_fewer_noises_than_are_charged_end_the_row(tmp_path: Path) -> None:
    ask = Electorate([Teacher(SAID)] * 3 + [lambda kind, question: None])
    with pytest.raises(RowError, match="3 of 4 teachers"):
        _at_teachers(tmp_path, ask).means("votes", QUESTION, TOKENS)
    assert not list((tmp_path / "releases").glob("*.safetensors"))


# One teacher, whatever it says, moves the votes by no more than is accounted

ANSWERS = st.one_of(
    st.none(), st.lists(st.integers(-3, TOKENS + 3), min_size=3, max_size=3).map(lambda v: np.array(v, np.int64)),
    st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(np.array),
    st.sampled_from([np.zeros((3, 2), np.int64), np.zeros(4, np.int16), np.array(1), np.full(3, 255, np.uint8)]),
)  # fmt: skip


@given(answers=st.lists(ANSWERS, min_size=2, max_size=5), other=ANSWERS, seed=st.integers(0, 9))
def test_one_teacher_moves_a_histogram_by_its_weight_at_most(answers: list[Any], other: Any, seed: int) -> None:
    weights = np.random.default_rng(seed).uniform(0, 1, len(answers))
    before = histogram(answers, weights, 3, TOKENS)
    replaced = histogram([other, *answers[1:]], weights, 3, TOKENS)
    without = histogram(answers[1:], weights[1:], 3, TOKENS)
    assert np.abs(before - replaced).sum(1).max() <= 2 * weights[0] + 1e-12
    assert np.linalg.norm(before - replaced, axis=1).max() <= np.sqrt(2) * weights[0] + 1e-12
    assert np.linalg.norm(before - without, axis=1).max() <= weights[0] + 1e-12


POSTERIORS = st.one_of(
    st.none(), st.just(np.full((2, TOKENS), np.nan)), st.just(np.full((2, TOKENS), 1e30)), st.just(np.ones(2)),
    st.integers(0, 99).map(lambda seed: np.random.default_rng(seed).normal(0, 2, (2, TOKENS))),
    st.integers(0, 99).map(lambda seed: np.random.default_rng(seed).dirichlet(np.ones(TOKENS) / 9, 2)),
)  # fmt: skip


@given(answers=st.lists(POSTERIORS, min_size=2, max_size=4), other=POSTERIORS)
def test_one_teacher_moves_a_mean_of_posteriors_by_the_mechanisms_sensitivity(answers: list[Any], other: Any) -> None:
    question = Question(np.array([0, 3], np.int32), np.zeros((2, 0), np.int32))
    mechanism = NoisyMean(1.0, len(answers))

    grid = NoiseGrid.fine_enough(1.0, 1.0, TOKENS)

    def mean(given: list[Any]) -> np.ndarray:
        votes = ballot(Path("unused"), mechanism, lambda kind, question: given)
        whole = grid.towards_zero(probabilities(votes._posteriors(question, TOKENS)))
        return whole.sum(0) * grid.step / mechanism.teachers

    moved = np.linalg.norm(mean(answers) - mean([other, *answers[1:]]), axis=1).max()
    assert moved <= mechanism.sensitivity("replace-one"), "with no room for rounding: it is towards zero"
    removed = np.linalg.norm(mean(answers) - mean(answers[1:]), axis=1).max()
    assert removed <= mechanism.sensitivity("add-remove")


@pytest.mark.parametrize(
    ("sent", "counted"),
    [
        ([0.5, 0.25, 0.25, 0, 0, 0], [0.5, 0.25, 0.25, 0, 0, 0]),
        ([0.25, 0, 0, 0, 0, 0], [0.25, 0, 0, 0, 0, 0]),
        ([3.0, 1.0, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0, 0]),
        ([-1.0, 0.5, np.nan, np.inf, -np.inf, 0.5], [0, 0.5, 0, 0, 0, 0.5]),
        ([1.0, 1.0, 1.0, 1.0, 0, 0], [0.25, 0.25, 0.25, 0.25, 0, 0]),
    ],
)
def test_what_is_no_probability_counts_none_or_one_and_all_of_them_one(sent: list[float], counted: list[float]) -> None:
    question = Question(np.array([0], np.int32), np.zeros((1, 0), np.int32))
    votes = ballot(Path("unused"), NoisyMean(1.0, 1), lambda kind, question: [np.array([sent])])
    np.testing.assert_allclose(probabilities(votes._posteriors(question, TOKENS)), [[counted]], rtol=1e-12)


def test_a_question_about_the_first_is_the_beginning_of_the_question() -> None:
    labels = np.array([[1, 0], [2, 2], [3, 0], [4, 4]], np.int32)
    lists = Question(np.array([7, 8], np.int32), labels, np.array([0, 0, 1, 1], np.int32))
    assert lists.first(1).labels.tolist() == [[1, 0], [2, 2]]
    assert lists.first(2).digest() == lists.digest() != lists.first(1).digest()
    prefixes = Question(np.array([5, 6, 7, 8], np.int32), labels)
    assert prefixes.first(3).labels.tolist() == labels[:3].tolist()
    again = Question.from_record(lists.to_record(2))
    assert again.digest() == lists.digest()


def test_a_mean_has_the_mechanisms_noise(tmp_path: Path) -> None:
    many = Question(np.zeros(2000, np.int32), np.zeros((2000, 0), np.int32))
    votes = ballot(tmp_path, NoisyMean(0.3, 2), lambda kind, question: [None, None], 1e9)
    votes.means("votes", many, TOKENS)
    stored = votes.releases.stored("votes")
    assert stored is not None
    assert np.std(stored["means"]) == pytest.approx(0.3, rel=of_a_deviation(stored["means"].size))
