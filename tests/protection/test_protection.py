"""What every protection does, and how protections are found."""

import itertools
import math
import subprocess
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from support.learning import dice, learner
from support.tolerance import assert_rounded, rounding
from support.toy_recognisers import operations
from support.toy_speech import made_up, small_recogniser

from fedasr.asr.batch import Batch
from fedasr.common.errors import UserError
from fedasr.common.settings import number
from fedasr.protection.batchwise import Batchwise
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.none import Unprotected
from fedasr.protection.protection import PROTECTIONS, build_protection
from fedasr.training.batches import seconds_of
from fedasr.training.gradients import Gradient
from fedasr.training.learner import Learner

NOISY = {"batch_size": 2, "noise_multiplier": 1.0}
SMALL = {
    "none": {}, "dp-sgd": NOISY, "adamix": {**NOISY, "public_batch": 2}, "silo-noise": {}, "silo-adamix": {},
    "clipping": {},
}  # fmt: skip
PUBLIC = made_up(3, 1, "p")


@dataclass(frozen=True)
class Halved(Batchwise):
    """Half of each gradient."""

    by: float = number(2.0, above=0)

    def gradient(self, learner: Learner, batch: Batch, masks: torch.Generator) -> Gradient:
        loss, gradient = learner.gradient(batch, masks)
        return loss, [part / self.by for part in gradient]


def plan_of(name: str) -> GradientPlan:
    return build_protection(name, SMALL[name]).plan(7, 0, 10)


@pytest.mark.parametrize("name", PROTECTIONS.known())
def test_steps_do_not_end_and_have_one_tensor_a_parameter(name: str) -> None:
    taught = learner(small_recogniser(0.2), made_up(7), labelled=PUBLIC)
    steps = list(itertools.islice(plan_of(name).gradients(taught, dice()), 8))
    assert len(steps) == 8
    for step in steps:
        assert step.seconds > 0
        shapes = [parameter.shape for parameter in taught.recogniser.parameters()]
        assert [part.shape for part in step.gradient] == shapes
        assert all(part.isfinite().all() for part in step.gradient)


@pytest.mark.parametrize("name", PROTECTIONS.known())
def test_steps_repeat_with_their_dice_and_differ_with_others(name: str) -> None:
    def flat(seed: int) -> torch.Tensor:
        taught = learner(small_recogniser(0.2), made_up(7), labelled=PUBLIC)
        steps = itertools.islice(plan_of(name).gradients(taught, dice(seed)), 3)
        return torch.cat([part.flatten() for step in steps for part in step.gradient])

    assert flat(1).equal(flat(1))
    assert not flat(1).equal(flat(2))


@pytest.mark.parametrize("name", PROTECTIONS.known())
def test_a_loss_is_told_only_where_nothing_is_promised(name: str) -> None:
    plan = plan_of(name)
    step = next(plan.gradients(learner(small_recogniser(), made_up(7), labelled=PUBLIC), dice()))
    assert math.isnan(step.loss) == (plan.guarantee is not None)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_unprotected_gradients_are_those_of_the_batches_of_pass_after_pass(lanes: int) -> None:
    speech, public = made_up(5), made_up(3, 1, "p")
    taught = learner(small_recogniser(), speech, public=public)
    steps = list(itertools.islice(Unprotected().gradients(taught, dice(4, lanes)), 6))
    again = np.random.default_rng(4)
    batches = [*taught.batches(again), *taught.batches(again)]  # nothing is augmented: order alone is drawn
    assert len(batches) == 6
    for step, indices in zip(steps, batches, strict=True):
        loss, gradient = taught.gradient(taught.batch(indices, again), None)
        assert step.seconds == seconds_of(taught.examples, indices)
        there = operations(60, 1)  # lanes sum parts of the batch in another order
        assert step.loss == pytest.approx(loss, rel=rounding(there))
        for found, expected in zip(step.gradient, gradient, strict=True):
            assert_rounded(found, expected, 2 * there)
    assert sum(step.seconds for step in steps[:3]) == pytest.approx(seconds_of(speech) + seconds_of(public))


def test_layers_that_are_not_trained_have_zeros() -> None:
    taught = learner(small_recogniser(), made_up(4), layers=("ctc.*",))
    step = next(Unprotected().gradients(taught, dice()))
    names = [name for name, _ in taught.recogniser.named_parameters()]
    assert {name for name, part in zip(names, step.gradient, strict=True) if part.any()} == {
        "ctc.output.weight", "ctc.output.bias",
    }  # fmt: skip


def test_lanes_leave_no_threads_behind() -> None:
    before = threading.active_count()
    steps = Unprotected().gradients(learner(small_recogniser(), made_up(7)), dice(0, 2))
    next(steps)
    assert threading.active_count() > before
    steps.close()
    assert threading.active_count() == before


def test_what_changes_a_batchs_gradient_needs_no_more() -> None:
    taught = learner(small_recogniser(), made_up(4))
    halved = build_protection(f"{__name__}:Halved", {"by": 4}).plan(4, 0, 1)
    plain, smaller = (next(plan.gradients(taught, dice())) for plan in (Unprotected(), halved))
    assert halved.guarantee is None
    assert all(a.equal(b / 4) for a, b in zip(smaller.gradient, plain.gradient, strict=True))


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("dp-sdg", {}, "no protection 'dp-sdg'; did you mean 'dp-sgd'"),
        ("decimal:Decimal", {}, "is no protection"),
        ("none", {"epsilon": 1.0}, r"unknown key 'protection_options\.epsilon'; there are no options"),
        ("dp-sgd", {"epsilom": 1.0}, r"'protection_options\.epsilom'; did you mean 'epsilon'"),
        (f"{__name__}:Halved", {"by": 0}, r"'protection_options\.by' must be"),
    ],
)
def test_what_cannot_be_is_refused(name: str, options: dict, says: str) -> None:
    with pytest.raises(UserError, match=says):
        build_protection(name, options)


def test_what_takes_seconds_is_imported_only_where_it_is_needed() -> None:
    """Each silo's process would pay for it, and each command."""
    checked = (
        "import sys, fedasr.api, fedasr.silo.client; from fedasr.protection.protection import build_protection; "
        "build_protection('dp-sgd', {}); "
        "sys.exit(', '.join({'opacus', 'dp_accounting', 'scipy.stats', 'scipy.signal'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", checked], timeout=120).returncode == 0
