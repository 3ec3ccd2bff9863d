"""Steps of every granularity against their definition: single groups by plain autograd, cut and summed in numpy."""

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
from support.toy_speech import made_up, respoken

from fedasr.asr.batch import Batch
from fedasr.asr.encoders.encoder import ENCODERS
from fedasr.common.errors import RowError
from fedasr.corpora.speech import Speech
from fedasr.protection.none import Unprotected
from fedasr.protection.protection import build_protection
from fedasr.protection.step import Step
from fedasr.training.batches import seconds_of
from fedasr.training.learner import Learner
from fedasr.training.taken import Taken

GRANULARITIES: dict[str, dict[str, Any]] = {
    "example": {},
    "micro-batch": {"micro_batch": 2},
    "core": {"cores": 2},
    "layer": {},
}
GROUPS = {
    "example": [[0], [1], [2], [3], [4]],
    "micro-batch": [[0, 1], [2, 3], [4]],
    "core": [[0, 2, 4], [1, 3]],
    "layer": [[0, 1, 2, 3, 4]],
}
"""Slots of a batch of five."""
WITHIN = 1e-6
"""Of the gradient's norm. In float64 ways to compute the same are apart by far less, in float32 by a little more."""


def exact(taught: Learner) -> Learner:
    """Return a learner that computes in float64."""
    taught.recogniser.double()
    made = taught.batch

    def batch(indices: Sequence[int], generator: np.random.Generator) -> Batch:
        found = made(indices, generator)
        return replace(found, features_BTF=found.features_BTF.double())

    object.__setattr__(taught, "batch", batch)
    return taught


def _options(granularity: str, **more: Any) -> dict[str, Any]:
    return {"granularity": granularity, **GRANULARITIES[granularity], **more}


def _steps(taught: Learner, options: dict[str, Any], count: int = 1, lanes: int = 1) -> list[Step]:
    plan = build_protection("clipping", options).plan(len(taught.examples), 0, count)
    return list(itertools.islice(plan.gradients(taught, dice(3, lanes)), count))


def _plain(taught: Learner, count: int = 1, lanes: int = 1) -> list[Step]:
    return list(itertools.islice(Unprotected().gradients(taught, dice(3, lanes)), count))


def _slots(taught: Learner) -> list[int]:
    """The places of the first batch."""
    return taught.batches(np.random.default_rng(3))[0]


def _group(taught: Learner, places: Sequence[int]) -> list[np.ndarray]:
    batch = taught.batch(places, np.random.default_rng(0))
    return [part.double().numpy() for part in taught.gradient(batch, None)[1]]


def _norm(parts: Sequence[np.ndarray]) -> float:
    return math.sqrt(sum(float((part**2).sum()) for part in parts))


def _expected(groups: Sequence[list[np.ndarray]], sizes: Sequence[int], bounds: Any, each: bool) -> list[np.ndarray]:
    cut = []
    for group in groups:
        norms = [_norm([part]) for part in group] if each else [_norm(group)] * len(group)
        cut.append([p * min(1.0, c / n) if n else p for p, n, c in zip(group, norms, bounds, strict=True)])
    shares = [size / sum(sizes) for size in sizes]
    return [sum(s * p for s, p in zip(shares, parts, strict=True)) for parts in zip(*cut, strict=True)]


def assert_near(found: Sequence[torch.Tensor], expected: Sequence[np.ndarray]) -> None:
    """Within 1e-6 of the whole gradient's norm."""
    apart = _norm([f.double().numpy() - e for f, e in zip(found, expected, strict=True)])
    assert apart <= WITHIN * _norm(expected)


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("head", ["ctc", "transducer", "joint", "frames"])
@pytest.mark.parametrize("kind", sorted(ENCODERS.known()))
def test_a_step_is_the_mean_of_single_groups_cut(kind: str, head: str, granularity: str, lanes: int) -> None:
    taught = exact(learner(recogniser(kind, head), made_up(5), batch_size=5))
    places, slots = _slots(taught), GROUPS[granularity]
    groups = [_group(taught, [places[slot] for slot in group]) for group in slots]
    sizes, count, each = list(map(len, slots)), len(groups[0]), granularity == "layer"
    lengths = sorted(_norm(group) for group in groups)
    clip = lengths[len(lengths) // 2] * (0.05 if each else 0.9)
    (step,) = _steps(taught, _options(granularity, clip_norm=clip), lanes=lanes)
    assert_near(step.gradient, _expected(groups, sizes, [clip] * count, each))
    sizes_of = [part.size for part in groups[0]]
    by_size = [clip * math.sqrt(size / sum(sizes_of)) for size in sizes_of]
    (step,) = _steps(taught, _options(granularity, clip_norm=clip, bound="per-layer"), lanes=lanes)
    assert_near(step.gradient, _expected(groups, sizes, by_size, each=True))
    if not each:
        (step,) = _steps(taught, _options(granularity, bound="least"), lanes=lanes)
        assert_near(step.gradient, _expected(groups, sizes, [lengths[0]] * count, each))
        assert step.loss == pytest.approx(_plain(taught)[0].loss, rel=1e-5)


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("options", [{"granularity": "core", "cores": 1}, {"granularity": "layer"}], ids=str)
def test_an_infinite_bound_of_the_whole_batch_is_plain_training_to_the_bit(options: dict[str, Any], lanes: int) -> None:
    taught = learner(recogniser("bilstm", "joint", dropout=0.3), made_up(7), batch_size=4)
    for bound in ("fixed", "per-layer"):
        found = _steps(taught, {**options, "clip_norm": math.inf, "bound": bound}, 5, lanes)
        for ours, plain in zip(found, _plain(taught, 5, lanes), strict=True):
            assert all(a.equal(b) for a, b in zip(ours.gradient, plain.gradient, strict=True))
            assert (ours.loss, ours.seconds, ours.taken, ours.rate) == (
                plain.loss,
                plain.seconds,
                plain.taken,
                plain.rate,
            )


@pytest.mark.parametrize("granularity", ["example", "micro-batch", "core"])
@pytest.mark.parametrize("kind", sorted(ENCODERS.known()))
def test_an_infinite_bound_of_groups_is_plain_training_within_rounding(kind: str, granularity: str) -> None:
    taught = exact(learner(recogniser(kind, "joint"), made_up(6), batch_size=6))
    for lanes in (1, 2):
        (ours,), (plain,) = _steps(taught, _options(granularity, clip_norm=math.inf), lanes=lanes), _plain(taught)
        assert_near(ours.gradient, [part.double().numpy() for part in plain.gradient])


def test_a_micro_batch_of_one_is_an_example() -> None:
    taught = learner(recogniser("bilstm", "joint", dropout=0.2), made_up(5), batch_size=5)
    alone, example = (_steps(taught, o, 3) for o in ({"granularity": "micro-batch", "micro_batch": 1}, {}))
    for a, b in zip(alone, example, strict=True):
        assert all(x.equal(y) for x, y in zip(a.gradient, b.gradient, strict=True))


def test_one_core_clips_the_mean() -> None:
    taught = learner(recogniser("bilstm", "joint", dropout=0.2), made_up(6), batch_size=3)
    for lanes in (1, 2):
        for ours, plain in zip(
            _steps(taught, {"granularity": "core", "cores": 1, "clip_norm": 0.1}, 4, lanes),
            _plain(taught, 4, lanes),
            strict=True,
        ):
            parts = [part.double().numpy() for part in plain.gradient]
            assert_near(ours.gradient, [part * min(1.0, 0.1 / _norm(parts)) for part in parts])


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_the_quantile_is_of_public_speech_alone(granularity: str) -> None:
    public, model = made_up(4, 9, "p"), recogniser("bilstm")
    options = _options(granularity, bound="public-quantile", quantile=0.0)
    ours, others = (
        _steps(learner(model, private, labelled=public, batch_size=4), options, 1)[0]
        for private in (made_up(5), made_up(5, 8))
    )
    assert ours.place is not None
    assert others.place is not None
    assert ours.place.bounds == others.place.bounds
    held = learner(model, public, batch_size=4)
    by_length = sorted(range(4), key=public.frames)
    slots = {"example": [[0], [1], [2], [3]], "micro-batch": [[0, 1], [2, 3]], "core": [[0, 2], [1, 3]]}
    groups = [_group(held, [by_length[s] for s in group]) for group in slots.get(granularity, [[0, 1, 2, 3]])]
    expected = [_norm([p]) for p in groups[0]] if granularity == "layer" else [min(map(_norm, groups))]
    assert ours.place.bounds == pytest.approx(expected, rel=1e-5)


def test_a_stretch_goes_on_with_the_bounds_that_it_began_with() -> None:
    taught = learner(recogniser("bilstm"), made_up(6), labelled=made_up(4, 9, "p"), batch_size=2)
    plan = build_protection("clipping", {"bound": "public-quantile"}).plan(6, 0, 3)
    whole = list(itertools.islice(plan.gradients(taught, dice(3)), 3))
    with torch.no_grad():
        for parameter in taught.recogniser.parameters():
            parameter.mul_(1.5)
    (rest,) = itertools.islice(plan.gradients(taught, replace(dice(3), place=whole[0].place)), 1)
    assert rest.place is not None
    assert whole[0].place is not None
    assert rest.place.bounds == whole[0].place.bounds


def _with_unfit(speech: Speech) -> Speech:
    """Return speech of which the first utterance has more letters than frames."""
    first, *others = speech.utterances
    return respoken(speech, [replace(first, text="ab" * 40), *others])


@pytest.mark.parametrize("granularity", ["example", "core"])
def test_an_utterance_that_cannot_be_learnt_lowers_no_bound(granularity: str) -> None:
    cores = {"cores": 5} if granularity == "core" else {}
    options, speech = {"granularity": granularity, **cores}, _with_unfit(made_up(5))
    taught = learner(recogniser("bilstm"), speech, batch_size=5)
    lengths = sorted(_norm(_group(taught, [place])) for place in range(5))
    assert lengths[0] == 0 < lengths[1]
    (least,) = _steps(taught, {**options, "bound": "least"})
    (fixed,) = _steps(taught, {**options, "clip_norm": lengths[1]})
    assert_near(least.gradient, [part.double().numpy() for part in fixed.gradient])
    public = learner(recogniser("bilstm"), made_up(3, 5, "q"), labelled=speech, batch_size=5)
    (step,) = _steps(public, {**options, "bound": "public-quantile", "quantile": 0.0})
    assert step.place is not None
    assert step.place.bounds == pytest.approx([lengths[1]], rel=1e-5)


@pytest.mark.parametrize("bound", ["least", "public-quantile"])
def test_where_nothing_can_be_learnt_nothing_is_cut_and_nothing_moves(bound: str) -> None:
    speech = _with_unfit(made_up(1))
    (step,) = _steps(learner(recogniser("bilstm"), speech, labelled=speech, batch_size=2), {"bound": bound})
    assert not any(part.any() for part in step.gradient)


@pytest.mark.parametrize("seconds", [0.0, 0.8])
def test_public_speech_that_a_quantile_takes_is_counted_once(seconds: float) -> None:
    public = made_up(4, 9, "p")
    taught = learner(recogniser("bilstm"), made_up(6), labelled=public, batch_size=2, batch_seconds=seconds)
    first, second = _steps(taught, {"bound": "public-quantile"}, 2)
    plain, _ = _plain(taught, 2)
    assert plain.taken is not None
    assert first.taken == plain.taken + Taken(0, 4)
    assert first.seconds == pytest.approx(plain.seconds + seconds_of(public))
    assert second.taken is not None
    assert second.taken.public == 0


def test_without_public_speech_there_is_no_quantile() -> None:
    with pytest.raises(RowError, match="needs labelled public speech; hold some, or set another bound"):
        _steps(learner(recogniser(), made_up(4)), {"bound": "public-quantile"})


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_layers_that_are_not_trained_have_zeros_and_no_share_of_the_bound(granularity: str) -> None:
    taught = learner(recogniser("bilstm"), made_up(4), layers=("ctc.*",), batch_size=4)
    (step,) = _steps(taught, _options(granularity, clip_norm=1e-3, bound="per-layer"))
    names = [name for name, _ in taught.recogniser.named_parameters()]
    moved = {name: part for name, part in zip(names, step.gradient, strict=True) if part.any()}
    assert set(moved) == {"ctc.output.weight", "ctc.output.bias"}
    assert _norm([part.double().numpy() for part in moved.values()]) <= 1e-3 * (1 + 1e-6)


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_a_group_without_a_finite_gradient_counts_zero(granularity: str) -> None:
    speech = made_up(4)
    taught = learner(recogniser("bilstm"), speech, batch_size=4)
    batch, place = taught.batch, _slots(taught)[0]

    def spoilt(indices: Sequence[int], generator: np.random.Generator) -> Any:
        made = batch(indices, generator)
        if place in indices:
            made.features_BTF[list(indices).index(place), 2, 1] = math.nan
        return made

    object.__setattr__(taught, "batch", spoilt)
    (step,) = _steps(taught, _options(granularity, clip_norm=1e9))
    assert all(part.isfinite().all() for part in step.gradient)
    assert any(part.any() for part in step.gradient) == (granularity != "layer")
