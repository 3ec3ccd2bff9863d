"""Steps of AdaMix: what they have in common with DP-SGD's, and what public speech does to them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.learning import dice, learner
from support.toy_recognisers import recogniser
from support.toy_speech import TOKENS, made_up

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec
from fedasr.common.errors import RowError, UserError
from fedasr.corpora.speech import Speech
from fedasr.protection.adamix import sized
from fedasr.protection.adamix.protection import AdaMix
from fedasr.protection.adamix.subspace import Subspace
from fedasr.protection.dp_sgd.protection import DPSGD
from fedasr.protection.protection import Protection
from fedasr.protection.step import Step
from fedasr.training.batches import seconds_of, training_batch
from fedasr.training.gradients import batch_gradient
from fedasr.training.learner import Learner
from fedasr.training.objectives.supervised import Supervised
from fedasr.training.taken import Taken

PRIVATE, PUBLIC = 9, 8
BARE = {"bound": "fixed", "clip_norm": 0.5, "public_weight": 0.0}
"""Nothing public."""
DRAWN = {"noise_multiplier": 1.0, "batch_size": 3}


def taught(private: Speech | None = None, dropout: float = 0.2, **more: Any) -> Learner:
    held = {"labelled": made_up(PUBLIC, 5, "p"), "augment": AugmentSpec(), **more}
    return learner(recogniser(dropout=dropout), private or made_up(PRIVATE), **held)


def steps(protection: Protection, own: Learner, count: int = 2, lanes: int = 1) -> list[Step]:
    """Take some steps, at weights that follow the gradients."""
    found = []
    for step in itertools.islice(protection.plan(PRIVATE, 0, 4).gradients(own, dice(3, lanes)), count):
        found.append(step)
        _move(own, step.gradient)
    return found


def _move(own: Learner, gradient: Sequence[torch.Tensor]) -> None:
    for parameter, part in zip(own.recogniser.parameters(), gradient, strict=True):
        parameter.data.sub_(0.1 * part)


def assert_same_bits(found: list[Step], expected: list[Step]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert all(a.equal(b) for a, b in zip(one.gradient, other.gradient, strict=True))


@pytest.mark.parametrize("lanes", [1, 2])
def test_without_anything_public_it_is_dp_sgd_to_the_bit(lanes: int) -> None:
    plain = steps(DPSGD(clip_norm=0.5, **DRAWN), taught(labelled=made_up(0)), lanes=lanes)
    assert_same_bits(steps(AdaMix(**BARE, **DRAWN), taught(), lanes=lanes), plain)
    pooled = taught(public=made_up(PUBLIC, 5, "p"))
    assert_same_bits(steps(AdaMix(**BARE, **DRAWN), pooled, lanes=lanes), plain)


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_public_batch_leaves_private_dice_where_they_are(lanes: int) -> None:
    """What is drawn, augmented, dropped and noised of private speech is DP-SGD's; the public mean is what is added."""
    (plain,) = steps(DPSGD(clip_norm=0.5, **DRAWN), taught(), 1, lanes)
    fixed = {"bound": "fixed", "clip_norm": 0.5, "public_batch": 4}
    (once,), (twice,) = (
        steps(AdaMix(**fixed, public_weight=weight, **DRAWN), taught(), 1, lanes) for weight in (1.0, 2.0)
    )
    for a, b, c in zip(once.gradient, twice.gradient, plain.gradient, strict=True):
        torch.testing.assert_close(2 * a - b, c, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("lanes", [1, 2])
def test_the_public_term_is_the_mean_gradient_of_the_public_batch(lanes: int) -> None:
    options = {"bound": "fixed", "clip_norm": 0.5, "noise_multiplier": 0.0, "batch_size": 3}
    own, everybody = taught(dropout=0.0, augment=NO_AUGMENTATION), range(PUBLIC)
    batch = training_batch(own.held.labelled, everybody, TOKENS, NO_AUGMENTATION, np.random.default_rng(0))
    _, mean = batch_gradient(own.recogniser, Supervised().losses, batch, None)
    (plain,) = steps(AdaMix(**options, public_weight=0.0), taught(dropout=0.0, augment=NO_AUGMENTATION), 1, lanes)
    (found,) = steps(AdaMix(**options, public_batch=PUBLIC, public_weight=2.0), own, 1, lanes)
    for one, other, part in zip(found.gradient, plain.gradient, mean, strict=True):
        torch.testing.assert_close(one - other, 2 * part, rtol=1e-4, atol=1e-5)


def test_public_utterances_are_not_counted_as_private() -> None:
    protection = AdaMix(epsilon=4.0, batch_size=3)
    with_public, without = protection.plan(PRIVATE, PUBLIC, 20), protection.plan(PRIVATE, 0, 20)
    assert with_public.guarantee == without.guarantee
    assert with_public.guarantee.mechanism.rate == pytest.approx(3 / PRIVATE)
    own = taught(public=made_up(PUBLIC, 5, "p"))
    (step,) = steps(AdaMix(public_batch=4, **DRAWN), own, 1)
    assert step.taken == Taken(3.0, 4.0)
    assert step.seconds > 3 / PRIVATE * seconds_of(own.learnt.private)


@pytest.mark.parametrize(
    "options",
    [{}, {"subspace": 4}, {"public_weight": 0.0}, {"pull": 0.5}, {"quantile": 0.5}, {"bound": "fixed"}, BARE],
)  # fmt: skip
def test_the_ledger_sees_one_multiplier_whatever_public_speech_does(options: dict[str, Any]) -> None:
    guarantee = AdaMix(epsilon=4.0, batch_size=3, **options).plan(PRIVATE, PUBLIC, 20).guarantee
    constant = DPSGD(epsilon=4.0, batch_size=3, clip_norm=0.3).plan(PRIVATE, 0, 20).guarantee
    assert (guarantee.mechanism.noise_multiplier, guarantee.mechanism.rate, guarantee.count) == (
        constant.mechanism.noise_multiplier, constant.mechanism.rate, constant.count
    )  # fmt: skip
    known = replace(constant.mechanism, clip_norm=options.get("clip_norm", 1.0))
    assert guarantee.mechanism == (known if "bound" in options else replace(known, clip_unit="threshold"))
    orders = np.array([2.0, 8.0, 32.0])
    np.testing.assert_array_equal(
        guarantee.mechanism.rdp(orders, "add-remove"), constant.mechanism.rdp(orders, "add-remove")
    )
    assert (guarantee.unit, guarantee.adjacency, guarantee.sampling) == (
        constant.unit, constant.adjacency, constant.sampling
    )  # fmt: skip


def test_noise_is_in_proportion_to_a_threshold_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []
    real = sized.noisy_gradient

    def watched(models: Any, alone: Any, plan: Any, *others: Any) -> Any:
        seen.append((plan.spec.clip_norm, plan.spec.noise_std))
        return real(models, alone, plan, *others)

    monkeypatch.setattr(sized, "noisy_gradient", watched)
    steps(AdaMix(public_batch=4, **(DRAWN | {"noise_multiplier": 1.7})), taught(), 4)
    thresholds, deviations = zip(*seen, strict=True)
    assert len(set(thresholds)) == 4
    assert all(d == 1.7 * c for c, d in zip(thresholds, deviations, strict=True))


def test_a_projection_on_all_directions_there_are_changes_nothing() -> None:
    """The gradients of the output's bias span all but the direction in which nothing changes."""
    bias = {"layers": ("ctc.output.bias",), "public_batch": PUBLIC, "noise_multiplier": 0.0, "batch_size": 3}
    plain, projected = (steps(AdaMix(**bias, subspace=k), taught(), 3) for k in (0, PUBLIC))
    for one, other in zip(plain, projected, strict=True):
        for a, b in zip(one.gradient, other.gradient, strict=True):
            assert float((a - b).abs().max()) <= 1e-5 * max(float(a.abs().max()), 1e-9)


def test_the_noise_is_projected_too() -> None:
    """Of a step that is nearly all noise nothing lies outside the span of two public gradients."""
    options = {"public_batch": 2, "subspace": 2, "public_weight": 0.0, "noise_multiplier": 100.0, "batch_size": 1}
    (projected,), (bare,) = (steps(AdaMix(**(options | {"subspace": k})), taught(), 1) for k in (2, 0))
    found, whole = (torch.cat([p.flatten() for p in step.gradient]).double() for step in (projected, bare))
    assert 0 < found.norm() < 0.2 * whole.norm(), "two of hundreds of dimensions are left of the noise"
    assert abs(float(found @ (whole - found))) < 1e-4 * float(found.norm() * whole.norm())


def _watched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return where each threshold and each subspace will be noted."""
    seen: list[Any] = []
    threshold, subspace = sized.threshold_of, Subspace.of_longest

    def of_norms(*given: Any) -> float:
        seen.append(threshold(*given))
        return seen[-1]

    def of_parts(*given: Any) -> Subspace:
        found = subspace(*given)
        seen.append((found.inner_BB, *found.parts))
        return found

    monkeypatch.setattr(sized, "threshold_of", of_norms)
    monkeypatch.setattr(Subspace, "of_longest", of_parts)
    return seen


def test_poisoned_private_speech_moves_neither_threshold_nor_subspace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in its own step, and not later, where the releases of the first run are replayed."""
    protection, seen, released = AdaMix(public_batch=4, subspace=3, **DRAWN), _watched(monkeypatch), []

    def run(private: Speech, replayed: list[Any]) -> list[Any]:
        own = taught(private)
        for number, step in enumerate(itertools.islice(protection.plan(PRIVATE, 0, 3).gradients(own, dice(3)), 3)):
            released.append(step.gradient)
            _move(own, (replayed or released)[number])
        found = list(seen)
        seen.clear()
        return found

    honest = run(made_up(PRIVATE), [])
    replayed = list(released)
    released.clear()
    poisoned = run(made_up(PRIVATE, 77), replayed)
    assert not released[0][0].equal(replayed[0][0]), "the poison is in what would have been released"
    assert len(honest) == len(poisoned) == 6
    for one, other in zip(honest, poisoned, strict=True):
        if isinstance(one, float):
            assert one == other
            assert one > 0
        else:
            assert all(a.equal(b) for a, b in zip(one, other, strict=True))


def test_a_threshold_of_zero_learns_and_reveals_nothing_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sized, "threshold_of", lambda rule, norms_B: 0.0)
    (step,) = steps(AdaMix(public_batch=4, public_weight=0.0, **DRAWN), taught(), 1)
    assert not any(part.any() for part in step.gradient)


def test_no_threshold_is_infinite_where_there_is_noise() -> None:
    protection = AdaMix(bound="fixed", clip_norm=math.inf, **DRAWN)
    with pytest.raises(UserError, match="no noise hides an utterance"):
        _ = protection.plan(PRIVATE, 0, 4).guarantee
    with pytest.raises(UserError, match="no noise hides an utterance"):
        sized.with_threshold(AdaMix(**DRAWN).plan(PRIVATE, 0, 4).of_size(PRIVATE), math.inf)


def test_a_public_utterance_that_is_not_finite_is_left_out() -> None:
    """As long as no public gradient is finite, there is no private one either."""
    model = recogniser()
    next(model.parameters()).data.fill_(math.nan)
    own = learner(model, made_up(PRIVATE), labelled=made_up(PUBLIC, 5, "p"))
    (step,) = steps(AdaMix(public_batch=4, subspace=3, **DRAWN), own, 1)
    assert not any(part.any() for part in step.gradient)


def test_what_it_says_of_itself() -> None:
    assert AdaMix(batch_size=3, public_batch=4).said(at_centre=False) == {
        "batch": "3 expected and 4 public", "clip": "the 0.75 quantile of public norms an utterance"
    }  # fmt: skip
    assert AdaMix(**BARE).said(at_centre=False) == DPSGD(clip_norm=0.5).said(at_centre=False)


@pytest.mark.parametrize("options", [{}, {"subspace": 2}])
def test_too_little_public_speech_is_refused(options: dict[str, Any]) -> None:
    own = taught(labelled=made_up(3))
    with pytest.raises(RowError, match="'public_batch' is 4, more than the 3 labelled public utterances"):
        steps(AdaMix(public_batch=4, **options, **DRAWN), own, 1)
    with pytest.raises(RowError, match="'public_batch' is 4"):
        AdaMix(public_batch=4, **options, **DRAWN).course(own, 1)


def test_fewer_private_utterances_than_it_is_accounted_for_are_refused() -> None:
    with pytest.raises(RowError, match="9 utterances and more, and 4 are learnt from"):
        steps(AdaMix(public_batch=4, **DRAWN), taught(made_up(4)), 1)


def test_the_centres_course_counts_what_its_steps_take() -> None:
    own = taught(public=made_up(PUBLIC, 5, "p"))
    course = AdaMix(steps=40, public_batch=4, batch_size=3).course(own, 7)
    assert (course.steps, len(course.ends), course.taken) == (40, 20, Taken(6.0, 8.0))
    private, public = own.learnt.private, own.learnt.public
    expected = 6 * seconds_of(private) / PRIVATE + 8 * seconds_of(public) / PUBLIC
    assert course.share * seconds_of(own.examples) == pytest.approx(expected)
    assert math.isfinite(course.share)
