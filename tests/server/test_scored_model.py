"""By which weights a row is scored, given the models of its rounds."""

import numpy as np
import pytest

from fedasr.asr.recogniser import Weights
from fedasr.common.errors import RowError
from fedasr.server.scored_model import ONLY_LAST, ScoredModel


def model(value: float) -> Weights:
    return {"w": np.full(3, value, np.float32)}


def followed(rule: str, values: list[float], wers: list[float | None] | None = None, first: int = 1) -> ScoredModel:
    scored = ScoredModel(rule)
    for number, value in enumerate(values, first):
        wer = wers[number - first] if wers else None
        scored.follow(number, len(values), model(value), wer, wer)
    return scored


def test_the_mean_is_over_the_last_third_rounded_up() -> None:
    assert followed("mean", [9, 9, 9, 9, 1, 2, 6]).weights(model(6))["w"].tolist() == [3, 3, 3]
    assert followed("mean", [5]).weights(model(5))["w"].tolist() == [5, 5, 5]


def test_it_has_the_models_own_type() -> None:
    found = followed("mean", [0, 1, 2, 4]).weights(model(4))["w"]
    assert (found.tolist(), found.dtype) == ([3, 3, 3], np.float32)


def test_what_the_start_counts_in_whole_numbers_is_the_last_count() -> None:
    """An average of strategies turns the counts 2 and 3 into 2.5; a float64 model is averaged as such, rounded once."""
    scored = ScoredModel("mean", {"seen": np.array([0]), "w": np.zeros(1, np.float32)})
    fine = [0.0, 0.0, 1 + 2.0**-24, 1 + 2.0**-23 + 2.0**-25]  # in float32 each lies below, and so would their mean
    for number, (seen, value) in enumerate(zip((2.5, 3.25, 4.0, 7.0), fine, strict=True), 1):
        scored.follow(number, 4, {"seen": np.array([seen]), "w": np.array([value])})
    found = scored.weights({"seen": np.array([7.0]), "w": np.array([fine[-1]])})
    assert (found["seen"].tolist(), found["seen"].dtype) == ([7], np.array([0]).dtype)
    assert (found["w"].tolist(), found["w"].dtype) == ([1 + 2.0**-23], np.float32)


def test_the_best_has_the_lowest_wer_then_loss_then_number() -> None:
    scored = followed("best", [1, 2, 3, 4, 5], [0.5, None, 0.2, 0.2, 0.3])
    assert scored.weights(model(5))["w"].tolist() == [3, 3, 3]
    assert "round 3" in str(scored.note)
    lower_loss = ScoredModel("best")
    for number, loss in enumerate((0.9, 0.4), 1):
        lower_loss.follow(number, 2, model(number), 0.2, loss)
    assert lower_loss.weights(model(2))["w"].tolist() == [2, 2, 2]


def test_the_start_is_not_the_best_round() -> None:
    scored = ScoredModel("best")
    for number, wer in enumerate((0.1, 0.9, 0.8)):
        scored.follow(number, 2, model(number), wer, wer)
    assert scored.weights(model(2))["w"].tolist() == [2, 2, 2]


def test_the_last_asks_for_no_model() -> None:
    scored = ScoredModel("last")
    assert not any(scored.needs(number, 5) for number in range(6))
    assert scored.weights(model(7))["w"].tolist() == [7, 7, 7]
    assert scored.state() == {}


@pytest.mark.parametrize("rule", ["mean", "best"])
def test_before_the_first_round_of_training_nothing_counts(rule: str) -> None:
    """Rounds in which silos vote, or train for themselves: the model is the start's."""
    scored = ScoredModel(rule)
    for number in (-1, 0):
        assert not scored.needs(number, 2)
        scored.follow(number, 2, model(100), 0.0, 0.0)
    for number in (1, 2):
        scored.follow(number, 2, model(number), 0.5, 0.5 / number)
    assert scored.weights(model(2))["w"].tolist() == [2, 2, 2]


@pytest.mark.parametrize("rule", ["mean", "best"])
def test_a_row_without_rounds_is_the_start_and_nothing_is_to_be_said(rule: str) -> None:
    scored = ScoredModel(rule)
    scored.follow(0, 0, model(4), 0.5, 0.5)
    assert scored.weights(model(4))["w"].tolist() == [4, 4, 4]
    assert (scored.note, scored.followed) == (None, rule)


@pytest.mark.parametrize("rule", ["mean", "best"])
@pytest.mark.parametrize("case", ["told of nothing", "ended early", "another result"])
def test_a_loop_that_shows_no_other_model_is_scored_by_its_last_and_marked(rule: str, case: str) -> None:
    told = {"told of nothing": [], "ended early": [1, 2], "another result": [1, 2, 3]}[case]
    scored = ScoredModel(rule)
    for number in told:
        scored.follow(number, 3, model(number), 0.5, 0.5)
    assert scored.weights(model(8))["w"].tolist() == [8, 8, 8]
    assert (scored.note, scored.followed) == (ONLY_LAST, "last")


@pytest.mark.parametrize("rule", ["mean", "best"])
@pytest.mark.parametrize("stop", range(1, 6))
def test_stopped_and_resumed_it_is_the_same(rule: str, stop: int) -> None:
    values, wers = [0.1, 0.7, 0.2, 0.9, 0.4], [0.5, 0.4, 0.1, 0.3, 0.2]
    whole, resumed = followed(rule, values, wers), ScoredModel(rule)  # type: ignore[arg-type]
    begun = ScoredModel(rule)
    for number, (value, wer) in enumerate(zip(values, wers, strict=True), 1):
        if number == stop:
            resumed.restore(begun.state())
        (begun if number < stop else resumed).follow(number, 5, model(value), wer, wer)
    np.testing.assert_array_equal(resumed.weights(model(0.4))["w"], whole.weights(model(0.4))["w"])


def test_rounds_that_an_earlier_version_ran_are_not_taken_for_less() -> None:
    for stop, is_whole in ((4, True), (5, False)):  # the last two of six count
        scored = ScoredModel("mean")
        scored.restore({})
        for number in range(stop + 1, 7):
            scored.follow(number, 6, model(number))
        if is_whole:
            assert scored.weights(model(6))["w"].tolist() == [5.5] * 3
        else:
            with pytest.raises(RowError, match="earlier version"):
                scored.weights(model(6))


def test_a_mean_that_is_not_finite_is_no_model() -> None:
    with pytest.raises(RowError, match="not finite in 'w'"):
        followed("mean", [1, 1, 1, np.nan, 1]).weights(model(1))


def test_where_steps_count_rounds_do_not() -> None:
    scored = ScoredModel("mean")
    steps = scored.by_steps()
    assert steps is not None
    for value in (2, 4):
        steps.add(model(value))
    scored.follow(1, 1, model(4))
    assert scored.weights(model(4))["w"].tolist() == [3, 3, 3]
    assert scored.state() == {}  # the training saves it
    assert ScoredModel("last").by_steps() is None
