"""What a student loses by a teacher's kept outputs, against the definition."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor

from fedasr.asr.soft_targets import FrameTargets, SoftTargets, moved, stacked_targets
from fedasr.training.objectives.frame_losses import (
    LEFT_OUT,
    RENORMALISED,
    TAIL_CLASS,
    frame_losses,
    least_over_shifts,
    mean_over_frames,
)

OUTPUTS, FRAMES = 7, 6


def _scores(seed: int, frames: int = FRAMES) -> Tensor:
    return torch.randn(
        1, frames, OUTPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    ).log_softmax(2)


def _kept(scores_TV: Tensor, k: int) -> FrameTargets:
    probabilities, tokens = scores_TV.exp().sort(1, descending=True)
    return tokens[:, :k].numpy(), probabilities[:, :k].numpy(), probabilities[:, k:].sum(1).numpy()


def _soft(teacher_BTV: Tensor, k: int) -> SoftTargets:
    tokens, probabilities, tail = _kept(teacher_BTV[0], k)
    return SoftTargets(*(torch.from_numpy(part)[None] for part in (tokens, probabilities, tail)))


@pytest.mark.parametrize("tail", [RENORMALISED, TAIL_CLASS, LEFT_OUT])
@given(seed=st.integers(0, 1000))
def test_all_outputs_kept_is_the_full_cross_entropy(tail: str, seed: int) -> None:
    teacher, student = _scores(seed), _scores(seed + 1)
    found = frame_losses(student, _soft(teacher, OUTPUTS), tail)
    assert torch.allclose(found, -(teacher.exp() * student).sum(2), rtol=0, atol=1e-12)


@given(seed=st.integers(0, 1000), k=st.integers(1, OUTPUTS - 1))
def test_each_treatment_of_the_tail_is_its_formula(seed: int, k: int) -> None:
    teacher, student = _scores(seed), _scores(seed + 1)
    tokens_TK, kept_TK, tail_T = _kept(teacher[0], k)
    for frame in range(FRAMES):
        logs = [float(student[0, frame, token]) for token in tokens_TK[frame]]
        cross = -sum(p * log for p, log in zip(kept_TK[frame], logs, strict=True))
        rest = -tail_T[frame] * math.log(1 - sum(math.exp(log) for log in logs))
        expected = {RENORMALISED: cross / kept_TK[frame].sum(), TAIL_CLASS: cross + rest, LEFT_OUT: cross}
        for tail, value in expected.items():
            assert float(frame_losses(student, _soft(teacher, k), tail)[0, frame]) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("tail", [RENORMALISED, TAIL_CLASS, LEFT_OUT])
def test_padding_costs_nothing_and_has_no_gradient(tail: str) -> None:
    soft = stacked_targets([_kept(_scores(1)[0], 3), _kept(_scores(2, 2)[0], 2)], FRAMES)
    student = torch.cat([_scores(3), _scores(4)]).float().requires_grad_()
    lengths_B = torch.tensor([FRAMES, 2])
    losses_BT = frame_losses(student, soft, tail)
    assert losses_BT[1, 2:].eq(0).all()
    alone = frame_losses(student[1:, :2], stacked_targets([_kept(_scores(2, 2)[0], 2)], 2), tail)
    assert torch.allclose(losses_BT[1, :2], alone[0], atol=1e-6)
    mean_over_frames(losses_BT, lengths_B).sum().backward()
    assert student.grad is not None
    assert student.grad.isfinite().all()
    assert student.grad[1, 2:].eq(0).all()


def test_a_student_that_is_late_by_some_frames_loses_nothing_by_it() -> None:
    teacher = _scores(5, 12)
    late_BTV = teacher[:, torch.tensor([0, 0, *range(10)])]
    lengths_B = torch.tensor([12])
    full = _soft(teacher, OUTPUTS)
    entropy = float(-(late_BTV.exp() * late_BTV).sum(2).mean())
    at_once = float(least_over_shifts(late_BTV, full, lengths_B, 0))
    assert float(least_over_shifts(late_BTV, full, lengths_B, 1)) > entropy + 0.01
    assert float(least_over_shifts(late_BTV, full, lengths_B, 2)) == pytest.approx(entropy, abs=1e-9)
    assert float(least_over_shifts(late_BTV, full, lengths_B, 4)) == pytest.approx(entropy, abs=1e-9)
    assert at_once == float(mean_over_frames(frame_losses(late_BTV, full), lengths_B))


@given(frames=st.integers(1, 50), stacked=st.integers(1, 5))
def test_speech_that_nothing_moved_keeps_its_targets(frames: int, stacked: int) -> None:
    stacks = -(-frames // stacked)
    targets = (np.arange(stacks)[:, None], np.ones((stacks, 1)), np.zeros(stacks))
    found = moved(targets, np.arange(frames, dtype=np.float64), stacked)
    assert found[0][:, 0].tolist() == list(range(stacks))


@given(frames=st.integers(4, 60), stacked=st.integers(1, 4), tempo=st.floats(0.5, 2.0))
def test_targets_follow_the_moment_that_a_frame_is_of(frames: int, stacked: int, tempo: float) -> None:
    stacks = -(-frames // stacked)
    targets = (np.arange(stacks)[:, None], np.ones((stacks, 1)), np.zeros(stacks))
    positions = np.minimum(np.arange(max(1, int(frames / tempo))) * tempo, frames - 1)
    found = moved(targets, positions, stacked)[0][:, 0]
    assert len(found) == -(-len(positions) // stacked)
    for stack, said in enumerate(found):
        of_it = positions[stack * stacked : (stack + 1) * stacked]
        assert of_it.min() - 1 < (said + 0.5) * stacked + stacked
        assert said * stacked <= of_it.max() + 1, "nobody says what comes later"
        assert (said + 1) * stacked + tempo * stacked >= of_it.min()
