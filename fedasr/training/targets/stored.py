"""What is stored of a teacher in one folder: its outputs frame by frame, and what it hears."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.recogniser import Recogniser, digest
from fedasr.asr.soft_targets import FrameTargets
from fedasr.common.errors import RowError, UserError
from fedasr.common.files import read_json, read_lines, write_json, write_lines
from fedasr.training.batches import Examples
from fedasr.training.targets.asked import GREEDY_TEXT, NO_TEXT, AskedOfTeacher
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.store import TargetStore
from fedasr.training.targets.top import top_targets
from fedasr.training.targets.writer import ShardWriter

SHARD, TEXTS, FACTS = "frames.targets", "heard.jsonl", "facts.json"
ANEW = "remove its folder, and the teacher is heard anew"
HEARD_TOGETHER = 16
"""Utterances that a teacher hears together: its bits are theirs, so it is a constant of the mathematics."""
Decode = Callable[[Recogniser, torch.Tensor, torch.Tensor], list[str]]


@dataclass(frozen=True)
class StoredTeacher:
    """What a teacher says of some speech, in a folder that `store_teacher` wrote.

    Parameters
    ----------
    folder : Path
    binding : TargetBinding
        What the outputs of each frame must be bound to: others are refused.
    """

    folder: Path
    binding: TargetBinding

    def targets(self, utterance_id: str) -> FrameTargets:
        """Return what it says of each frame."""
        return self._store.targets(utterance_id)

    def text(self, utterance_id: str) -> str:
        """Return what it hears.

        Raises
        ------
        RowError
            Where that was not stored.
        """
        if utterance_id not in self._texts:
            raise RowError(f"{self.folder / TEXTS}: nothing was heard of utterance '{utterance_id}'; {ANEW}")
        return self._texts[utterance_id]

    @cached_property
    def _store(self) -> TargetStore:
        try:
            return TargetStore.open(self.folder, self.binding)
        except UserError as error:  # it is one row's
            raise RowError(str(error)) from error

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {str(line["id"]): str(line["text"]) for line in read_lines(self.folder / TEXTS)}


@dataclass(frozen=True)
class StoredFacts:
    """How much of a teacher is stored: utterances, frames, and bytes on disk."""

    utterances: int
    frames: int
    bytes: int


def stored_facts(folder: Path) -> StoredFacts | None:
    """Return how much of a teacher is stored in a folder; None where it was not stored to the end, or is gone."""
    try:
        facts = StoredFacts(**read_json(folder / FACTS))
        is_whole = (folder / SHARD).stat().st_size == facts.bytes and (folder / TEXTS).exists()
        return facts if is_whole else None
    except (OSError, TypeError, ValueError):
        return None


def binding_of(teacher: Recogniser, features: str, asked: AskedOfTeacher) -> TargetBinding:
    """Return what the outputs of a teacher are bound to.

    Parameters
    ----------
    teacher : Recogniser
    features : str
        Digest of what it hears.
    asked : AskedOfTeacher
    """
    tokens = teacher.tokens
    inventory = hashlib.sha256(json.dumps(tokens.to_json(), sort_keys=True).encode()).hexdigest()
    stacked = teacher.spec.frames_stacked
    return TargetBinding(digest(teacher.weights()), features, inventory, tokens.size, stacked, max(asked.top_k, 1))


@torch.inference_mode()
def store_teacher(
    teacher: Recogniser, examples: Examples, folder: Path, asked: AskedOfTeacher, binding: TargetBinding,
    decode: Decode | None = None,
) -> StoredFacts:  # fmt: skip
    """Let a teacher hear some speech, and store what it says.

    The shard appears whole or not at all; what a crash left unfinished is never read.

    Parameters
    ----------
    teacher : Recogniser
    examples : Examples
        Nobody's transcripts are read.
    folder : Path
    asked : AskedOfTeacher
    binding : TargetBinding
    decode : callable, optional
        For ``asked.text = "decoded"``.

    Raises
    ------
    RowError
        Where its head scores no frames, or there is nothing to decode with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts: list[dict[str, str]] = []
    with ShardWriter(folder / SHARD, binding) as shard:
        for places, batch in _batches(teacher, examples):
            encodings_BTF = teacher.encode(batch.features_BTF, batch.lengths_B)
            names = [examples.id(place) for place in places]
            if asked.top_k:
                _add(shard, teacher, encodings_BTF, batch.lengths_B, names, asked.top_k)
            heard = _heard(teacher, encodings_BTF, batch.lengths_B, asked.text, decode)
            texts += [{"id": name, "text": text} for name, text in zip(names, heard, strict=False)]
        write_lines(folder / TEXTS, texts)
        sealed = shard.seal()
    facts = StoredFacts(len(examples), sealed.frames, sealed.bytes)
    write_json(folder / FACTS, asdict(facts))
    return facts


def _batches(teacher: Recogniser, examples: Examples) -> Iterator[tuple[Sequence[int], Batch]]:
    """Yield utterances of like length together; which those are depends on the speech alone."""
    frames = np.array([examples.frames(place) for place in range(len(examples))])
    order = np.argsort(frames, kind="stable").tolist()
    for first in range(0, len(order), HEARD_TOGETHER):
        places = order[first : first + HEARD_TOGETHER]
        features = [examples.features(place) for place in places]
        yield places, make_batch(features, stacked=teacher.spec.frames_stacked).to(teacher.device)


def _add(
    shard: ShardWriter, teacher: Recogniser, encodings_BTF: torch.Tensor, lengths_B: torch.Tensor,
    names: Sequence[str], top_k: int,
) -> None:  # fmt: skip
    scores_BTV = teacher.head.frame_scores(encodings_BTF)
    if scores_BTV is None:
        raise RowError("the teacher's head scores no single frames; set model.head = 'ctc', or targets = 'greedy'")
    for name, scores_TV, length in zip(names, scores_BTV.cpu(), lengths_B.tolist(), strict=True):
        shard.add(name, top_targets(scores_TV[:length], top_k))


def _heard(
    teacher: Recogniser, encodings_BTF: torch.Tensor, lengths_B: torch.Tensor, text: str, decode: Decode | None
) -> list[str]:  # fmt: skip
    if text == NO_TEXT:
        return []
    if text == GREEDY_TEXT:
        return [teacher.tokens.decode(numbers) for numbers in teacher.head.greedy(encodings_BTF, lengths_B)]
    if decode is None:
        raise RowError("targets = 'decoded' needs something to decode by; set [decoding]")
    return decode(teacher, encodings_BTF, lengths_B)
