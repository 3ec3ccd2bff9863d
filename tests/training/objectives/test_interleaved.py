"""The plan of labelled and machine-labelled batches."""

from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from support.learning import Says
from support.toy_speech import made_up, small_recogniser

from fedasr.asr.augment import NO_AUGMENTATION
from fedasr.common.errors import RowError, UserError
from fedasr.corpora.alignment import Alignment
from fedasr.corpora.speech import held_speech
from fedasr.training.holdings import Holdings
from fedasr.training.learner import Learner
from fedasr.training.objectives.distilled import Distilled
from fedasr.training.objectives.interleaved import INTERLEAVED, SEGREGATED, Interleaved
from fedasr.training.objectives.labelled import Labelled
from fedasr.training.objectives.objective import build_objective
from fedasr.training.woven import evenly


def _held(machine: int, labelled: int) -> Holdings:
    return Holdings(made_up(machine), labelled=made_up(labelled, 1, "p"), teacher=Says())


SIZES = {"machine": st.integers(1, 40), "labelled": st.integers(1, 12), "size": st.integers(1, 7)}


@given(**SIZES, share=st.floats(0.05, 0.9), seed=st.integers(0, 99))
def test_a_pass_holds_machine_labelled_utterances_alike_and_the_share_of_labelled_batches(
    machine: int, labelled: int, size: int, share: float, seed: int
) -> None:
    objective = Interleaved(labelled_share=share)
    learnt = objective.examples(_held(machine, labelled))
    batches = objective.batches(learnt, size, np.random.default_rng(seed))
    assert len(batches) == objective.steps(learnt, size)
    kinds = [{place >= machine for place in batch} for batch in batches]
    assert all(len(kind) == 1 for kind in kinds), "no batch holds both"
    places = Counter(place for batch in batches for place in batch)
    assert len({places[place] for place in range(machine)}) == 1
    count = sum(True in kind for kind in kinds)
    asked = (len(batches) - count) * share / (1 - share)
    assert abs(count - asked) <= 0.05 * asked
    drawn = [places[machine + place] for place in range(labelled)]
    whole = count // -(-labelled // size)
    assert all(whole <= times <= whole + 1 for times in drawn), "labelled speech is drawn pass after pass"


@given(**SIZES, passes=st.integers(1, 9), seed=st.integers(0, 99))
def test_segregated_takes_the_machine_labelled_first_and_as_many_batches(
    machine: int, labelled: int, size: int, passes: int, seed: int
) -> None:
    apart = Interleaved(order=SEGREGATED, labelled_share=0.25)
    learnt, generator = apart.examples(_held(machine, labelled)), np.random.default_rng(seed)
    kinds = [
        batch[0] >= machine
        for number in range(passes)
        for batch in apart.at(number / passes, (number + 1) / passes).batches(learnt, size, generator)
    ]
    assert len(kinds) == passes * Interleaved(labelled_share=0.25).steps(learnt, size)
    assert kinds == sorted(kinds)
    assert abs(sum(kinds) - len(kinds) / 4) <= 0.5, "in however few passes"


@given(many=st.integers(0, 30), few=st.integers(0, 30))
def test_two_sequences_are_spread_evenly_each_in_its_order(many: int, few: int) -> None:
    ones, twos = [[n] for n in range(many)], [[100 + n] for n in range(few)]
    both = evenly(ones, twos)
    assert [b for b in both if b[0] < 100] == ones
    assert [b for b in both if b[0] >= 100] == twos
    for stop in range(len(both) + 1):
        seen = sum(b[0] >= 100 for b in both[:stop])
        assert abs(seen - stop * few / max(many + few, 1)) <= 1


def test_the_rate_is_another_for_labelled_batches_alone() -> None:
    objective = Interleaved(labelled_rate=2.0)
    learner = Learner(small_recogniser(), objective, _held(5, 3), NO_AUGMENTATION, 2)
    assert [learner.rate(batch) for batch in ([0, 1], [4], [5, 6], [7])] == [1, 1, 2, 2]


def test_nobody_reads_what_silos_said_and_the_labelled_are_read_as_they_are() -> None:
    held = _held(4, 2)
    learnt = Interleaved().examples(held)
    assert [learnt.examples.text(place) for place in range(4)] == [""] * 4
    assert [learnt.examples.text(4 + place) for place in range(2)] == [held.labelled.text(place) for place in range(2)]
    heard = Distilled("greedy").examples(held).private
    assert [heard.text(place) for place in range(4)] == ["a"] * 4
    alone = Labelled().examples(held)
    assert (len(alone.private), len(alone.public)) == (0, 2)


def test_an_alignment_of_what_silos_said_is_nobodys_to_read() -> None:
    speech = made_up(1)
    aligned = Alignment(("",), np.zeros(speech.frames(0), np.uint16))
    known = held_speech(speech.utterances, [speech.features(0)], alignments={(speech.id(0), "espeak"): aligned})
    assert known.alignment(0, "espeak").phones == ("",)
    held = Holdings(known, labelled=known, teacher=Says())
    for objective in (Distilled(), Distilled("greedy"), Interleaved()):
        with pytest.raises(KeyError):
            objective.examples(held).private.alignment(0, "espeak")


@pytest.mark.parametrize("key", ["top_k", "delay_frames"])
def test_what_is_said_of_frames_takes_no_effect_on_texts(key: str) -> None:
    with pytest.raises(UserError, match=f"'objective_options.{key}' takes no effect"):
        build_objective("distilled", {"targets": "greedy", key: 3})


def test_without_a_teacher_there_is_nothing_to_learn() -> None:
    with pytest.raises(RowError, match="no teacher"):
        Distilled().examples(Holdings(made_up(3)))


@pytest.mark.parametrize(
    ("machine", "labelled", "order", "progress"),
    [(3, 0, INTERLEAVED, 0.0), (3, 0, SEGREGATED, 0.9), (0, 3, SEGREGATED, 0.0)],
)
def test_speech_of_one_kind_alone_is_refused_and_not_searched_for_without_end(
    machine: int, labelled: int, order: str, progress: float
) -> None:
    objective = Interleaved(order=order)
    learnt = objective.examples(Holdings(made_up(machine), labelled=made_up(labelled, 1, "p"), teacher=Says()))
    with pytest.raises(RowError, match=r"there is no (labelled public|machine-labelled) speech"):
        objective.at(progress, progress + 0.01).batches(learnt, 2, np.random.default_rng(0))


def test_a_mixed_batch_loses_what_its_utterances_lose_alone() -> None:
    learner = Learner(small_recogniser(), Interleaved(), _held(3, 3), NO_AUGMENTATION, 2)

    def losses(*places: int) -> list[float]:
        batch = learner.batch(list(places), np.random.default_rng(0))
        found: list[float] = learner.objective.losses(learner.recogniser, batch, None).tolist()
        return found

    mixed = losses(0, 3, 1, 4)
    assert mixed == pytest.approx([losses(place)[0] for place in (0, 3, 1, 4)], rel=1e-5)
    assert min(mixed) > 0
