"""DP-SGD sized for the data holders of a row."""

import itertools

import pytest
from support.learning import dice, learner
from support.toy_speech import made_up, small_recogniser

from fedasr.common.errors import RowError
from fedasr.privacy.accounting.calibration import noise_for
from fedasr.privacy.accounting.promise import Promise
from fedasr.protection.dp_sgd.protection import DPSGD
from fedasr.protection.dp_sgd.sized import SizedDPSGD
from fedasr.training.batches import seconds_of


def test_the_noise_is_what_the_smallest_needs_for_all_its_steps() -> None:
    sized = SizedDPSGD(DPSGD(epsilon=4.0, batch_size=3), 12, 20)
    expected = noise_for("sampled-gaussian", 20, 4.0, 1e-5, "add-remove", rate=3 / 12)
    assert sized.noise_multiplier == expected
    guarantee = sized.guarantee
    assert guarantee.promise == Promise("utterance", "add-remove", 1e-5, ((guarantee.mechanism, 20),))
    assert guarantee.sampling == ("poisson", "poisson")
    assert guarantee.mechanism == sized.of_size(12).mechanism
    larger = sized.of_size(60).mechanism
    assert (larger.noise_multiplier, larger.rate) == (expected, 3 / 60)


def test_public_speech_counts_as_if_it_were_private() -> None:
    plan = DPSGD(batch_size=2).plan(3, 5, 9)
    assert isinstance(plan, SizedDPSGD)
    assert (plan.smallest, plan.steps) == (8, 9)
    taught = learner(small_recogniser(), made_up(3), public=made_up(5, name="p"))
    step = next(plan.gradients(taught, dice()))
    assert step.seconds == pytest.approx(2 / 8 * seconds_of(taught.examples))


def test_fewer_utterances_than_it_is_accounted_for_are_refused() -> None:
    plan = DPSGD(batch_size=2).plan(5, 0, 9)
    with pytest.raises(RowError, match="5 utterances and more, and 4 are learnt from"):
        next(plan.gradients(learner(small_recogniser(), made_up(4)), dice()))


@pytest.mark.parametrize("options", [{"epsilon": 4.0}, {"noise_multiplier": 1.0}])
def test_a_batch_larger_than_the_smallest_is_refused(options: dict) -> None:
    with pytest.raises(RowError, match="batch_size"):
        _ = DPSGD(batch_size=6, **options).plan(5, 0, 9).guarantee


def test_a_silo_smaller_than_the_centres_batch_knows_that_there_is_a_guarantee() -> None:
    assert DPSGD(batch_size=6).plan(5, 0, 9).has_guarantee


def test_each_step_asks_for_noise_of_its_own() -> None:
    asked, drawn = [], dice()

    def noise(what, step):
        asked.append((what, step))
        return drawn.noise(what, step)

    plan = DPSGD(batch_size=2, noise_multiplier=1.0).plan(5, 0, 9)
    steps = plan.gradients(learner(small_recogniser(), made_up(5)), type(drawn)(drawn.batches, drawn.masks, noise))
    list(itertools.islice(steps, 3))
    assert asked == [("dp-sgd", 0), ("dp-sgd", 1), ("dp-sgd", 2)], "a name that old runs' noise is drawn by"


def test_layers_that_are_not_trained_have_no_noise() -> None:
    plan = DPSGD(batch_size=2, noise_multiplier=1.0, layers=("ctc.*",)).plan(5, 0, 9)
    taught = learner(small_recogniser(), made_up(5))
    step = next(plan.gradients(taught, dice()))
    names = [name for name, _ in taught.recogniser.named_parameters()]
    noisy = {name for name, part in zip(names, step.gradient, strict=True) if part.any()}
    assert noisy == {"ctc.output.weight", "ctc.output.bias"}


@pytest.mark.parametrize("steps", [1, 7, 20, 203])
def test_the_centres_course_has_all_steps_in_at_most_twenty_stretches(steps: int) -> None:
    taught = learner(small_recogniser(), made_up(8))
    course = DPSGD(steps=steps, batch_size=2).course(taught, epochs=3)
    stretches = [course.stretch(number) for number in range(len(course.ends))]
    assert len(stretches) == min(20, steps)
    assert stretches[0][0] == 0
    assert course.steps == steps == stretches[-1][1]
    assert all(begin < end for begin, end in stretches)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(stretches))
    assert course.share * len(stretches) == pytest.approx(steps * 2 / 8)
