"""What was stored comes back, and nothing else does."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.store import TargetStore
from fedasr.training.targets.top import TopTargets, expanded, top_targets
from fedasr.training.targets.writer import ShardWriter

BINDING = TargetBinding("a" * 64, "b" * 64, "c" * 64, outputs=7, frames_stacked=3, top_k=4)


def top(frames: int, seed: int = 0, k: int = BINDING.top_k) -> TopTargets:
    return top_targets(np.random.default_rng(seed).normal(0, 3, (frames, BINDING.outputs)).astype(np.float32), k)


def same(one: TopTargets, other: TopTargets) -> bool:
    parts = ("log_probabilities_TK", "indices_TK", "log_tail_T")
    return all(np.array_equal(getattr(one, part), getattr(other, part)) for part in parts)


def seal(path: Path, utterances: dict[str, TopTargets], binding: TargetBinding = BINDING) -> Path:
    with ShardWriter(path, binding) as writer:
        for utterance_id, targets in utterances.items():
            writer.add(utterance_id, targets)
        writer.seal()
    return path


@given(st.dictionaries(st.text(), st.integers(0, 30), max_size=8), st.integers(1, 3))
def test_what_was_stored_comes_back(
    tmp_path_factory: pytest.TempPathFactory, lengths: dict[str, int], shards: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    stored = {name: top(frames, seed) for seed, (name, frames) in enumerate(lengths.items())}
    for shard in range(shards):
        seal(folder / f"{shard}.targets", dict(list(stored.items())[shard::shards]))
    store = TargetStore.open(folder, BINDING)
    assert (store.utterances, store.frames) == (len(lengths), sum(lengths.values()))
    assert store.nbytes == sum(path.stat().st_size for path in folder.iterdir())
    for name, targets in stored.items():
        assert name in store
        assert same(store.top(name), targets)
        for found, expected in zip(store.targets(name), expanded(targets), strict=True):
            np.testing.assert_array_equal(found, expected)
    assert "somebody else's" not in store


def test_a_batch_is_its_utterances_padded_with_zeros(tmp_path: Path) -> None:
    stored = {f"u{frames}": top(frames, frames) for frames in (5, 0, 9, 1)}
    batch = TargetStore.open(seal(tmp_path / "a.targets", stored).parent).batch(["u9", "u0", "u5", "u9"])
    assert batch.tokens_BTK.shape == (4, 9, 4)
    for row, name in enumerate(["u9", "u0", "u5", "u9"]):
        frames = len(stored[name].log_tail_T)
        parts = batch.tokens_BTK[row], batch.probabilities_BTK[row], batch.tail_BT[row]
        for part, expected in zip(parts, expanded(stored[name]), strict=True):
            torch.testing.assert_close(part[:frames], torch.from_numpy(expected), rtol=0, atol=0)
            assert not part[frames:].any()


def test_a_binding_survives_json() -> None:
    assert TargetBinding.from_json(json.loads(json.dumps(BINDING.to_json()))) == BINDING
