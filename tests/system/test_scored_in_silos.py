"""By which weights models that stay in their silos are scored, against iterates that are noted on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support.iterates import assert_near, mean_of, noted, own_models
from support.unequal import run_unequal, stopped

from fedasr.asr.recogniser import Recogniser, Weights
from fedasr.silo import train

CHANGES: dict[str, Any] = {
    "model": {"units": 8}, "training": {"rounds": 7, "silos_per_round": 1, "local_steps": 1, "momentum": 0.5},
}  # fmt: skip


def run(corpus: Path, folder: Path, row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    (found,) = run_unequal(corpus, folder, row, **{**CHANGES, **changes})
    assert found["failure"] is None
    return found


@pytest.mark.parametrize(("name", "options"), [("ditto", {}), ("fedper", {"own_layers": ["ctc.*"]})])
def test_a_silos_own_part_is_averaged_over_the_rounds_in_which_it_trained(
    name: str, options: dict[str, Any], unequal_corpus: Path, tmp_path: Path
) -> None:
    """Of seven rounds the last three count; a silo without one of them has its own last part, or the common model."""
    one = {"name": name, "strategy": name, "options": options}
    with noted() as seen, own_models() as (kept, scored):
        found = run(unequal_corpus, tmp_path / "run", one)
    common = mean_of([seen[name][number] for number in (5, 6, 7)])
    counted = {silo: [model for number, model in rounds.items() if number >= 5] for silo, rounds in kept.items()}
    assert sorted(map(len, counted.values())) != [0] * len(counted)  # some silo trained late
    assert len(kept) < 4 or any(not late for late in counted.values())  # and some did not
    for silo, whole in scored.items():
        rounds = kept.get(silo, {})
        own = mean_of(counted[silo]) if counted.get(silo) else rounds[max(rounds)] if rounds else {}
        assert_near({n: whole[n] for n in own}, own)
        shared = {n: array for n, array in common.items() if n not in own}
        if name == "fedper" and not own:
            shared = {n: array for n, array in shared.items() if not n.startswith("ctc.")}
        assert_near({n: whole[n] for n in shared}, shared)
    with stopped(6, is_saved=True):
        run(unequal_corpus, tmp_path / "stopped", one)
    again = run(unequal_corpus, tmp_path / "stopped", one)
    assert again["model_sha256"] == found["model_sha256"]


def test_silos_that_train_alone_count_their_steps(
    unequal_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In passes over their own speech, so that each has a last third of its own."""
    trails: list[list[Weights]] = []
    make = train.make_optimizer

    def making(recogniser: Recogniser, *others: Any) -> torch.optim.Optimizer:
        optimizer, trail = make(recogniser, *others), []
        trails.append(trail)
        optimizer.register_step_post_hook(lambda *_: trail.append(recogniser.weights()))
        return optimizer

    monkeypatch.setattr(train, "make_optimizer", making)
    one = {"name": "alone", "strategy": "local-only", "training": {"local_epochs": 1}}
    with own_models() as (_, scored):
        run(unequal_corpus, tmp_path / "run", one, training={"rounds": 2, "batch_size": 2})
    assert len(scored) == len(trails) == 4
    assert len({len(trail) for trail in trails}) == 3
    for whole, trail in zip(scored.values(), trails, strict=True):
        assert_near(whole, mean_of(trail[len(trail) - -(-len(trail) // 3) :]))
