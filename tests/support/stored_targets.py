"""Small shards of a teacher's outputs."""

from pathlib import Path

import numpy as np

from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.top import TopTargets, top_targets
from fedasr.training.targets.writer import ShardWriter

BINDING = TargetBinding("a" * 64, "b" * 64, "c" * 64, outputs=7, frames_stacked=3, top_k=4)


def top(frames: int, seed: int = 0) -> TopTargets:
    """Targets of so many frames, by random scores."""
    scores_TV = np.random.default_rng(seed).normal(0, 3, (frames, BINDING.outputs)).astype(np.float32)
    return top_targets(scores_TV, BINDING.top_k)


def same(one: TopTargets, other: TopTargets) -> bool:
    """Whether two are the same to the bit."""
    parts = ("log_probabilities_TK", "indices_TK", "log_tail_T")
    return all(getattr(one, part).tobytes() == getattr(other, part).tobytes() for part in parts)


def seal(path: Path, utterances: dict[str, TopTargets], binding: TargetBinding = BINDING) -> Path:
    """Write a shard."""
    with ShardWriter(path, binding) as writer:
        for utterance_id, targets in utterances.items():
            writer.add(utterance_id, targets)
        writer.seal()
    return path
