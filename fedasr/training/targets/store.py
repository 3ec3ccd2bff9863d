"""The stored targets of a folder: all its sealed shards as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.soft_targets import FrameTargets, SoftTargets
from fedasr.common.errors import RowError, UserError
from fedasr.training.targets import layout
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.padded import padded
from fedasr.training.targets.shard import Shard, open_shard
from fedasr.training.targets.top import TopTargets, expanded

COMPARED_UTTERANCES = 250_000
"""Up to how many utterances shards are compared as they are opened (30 ms), and not as they are read."""


class TargetStore:
    """What a teacher said of many utterances, mapped from disk and checked as it is read.

    In memory is a handful of numbers a shard; utterances are found by a search in each shard's sorted index. No
    utterance may be in two shards: of a small store this is seen when it is opened, of a large one when the utterance
    is read; never are its targets returned.

    Attributes
    ----------
    binding : TargetBinding
    """

    def __init__(self, folder: Path, binding: TargetBinding, shards: Sequence[Shard]) -> None:
        self._folder, self.binding, self._shards = folder, binding, tuple(shards)

    @classmethod
    def open(cls, folder: Path, binding: TargetBinding | None = None) -> TargetStore:
        """Map all sealed shards of a folder.

        Parameters
        ----------
        folder : Path
        binding : TargetBinding, optional
            What the targets must belong to; without it, all to the same.

        Raises
        ------
        UserError
            Where there is no shard, one is damaged or of a newer format, its binding differs, or two shards hold the
            same utterance.
        """
        shards = [open_shard(path) for path in sorted(folder.glob(f"[!.]*{layout.SUFFIX}"))]
        if not shards:
            raise UserError(f"{folder}: there are no sealed shards of targets (*{layout.SUFFIX})")
        expected = binding or shards[0].binding
        for shard in shards:
            if difference := shard.binding.difference(expected):
                raise UserError(f"{shard.path}: its targets are of something else: {difference}")
        if len(shards) > 1 and sum(shard.footer.utterances for shard in shards) <= COMPARED_UTTERANCES:
            _refuse_doubles(shards)
        return cls(folder, expected, shards)

    def __reduce__(self) -> tuple[object, ...]:
        """Another process opens the folder: mapped bytes do not travel."""
        return TargetStore.open, (self._folder, self.binding)

    def __contains__(self, utterance_id: object) -> bool:
        return isinstance(utterance_id, str) and any(rows[0] >= 0 for rows in self._rows([utterance_id]))

    @property
    def utterances(self) -> int:
        """How many utterances are stored."""
        return sum(shard.footer.utterances for shard in self._shards)

    @property
    def frames(self) -> int:
        """How many frames, of all utterances together."""
        return sum(shard.footer.frames for shard in self._shards)

    @property
    def nbytes(self) -> int:
        """How many bytes the shards have, headers and indices among them."""
        return sum(len(shard.content) for shard in self._shards)

    def top(self, utterance_id: str) -> TopTargets:
        """Return what is stored of an utterance, mapped read-only.

        Raises
        ------
        RowError
            Where it is not stored, is in two shards, or its block is damaged.
        """
        return self._tops([utterance_id])[0]

    def targets(self, utterance_id: str) -> FrameTargets:
        """Return the soft targets of an utterance; errors are those of `top`."""
        return expanded(self.top(utterance_id))

    def batch(self, utterance_ids: Sequence[str]) -> SoftTargets:
        """Return the soft targets of some utterances, padded with zeros to the longest; errors are those of `top`."""
        return padded(self._tops(utterance_ids), self.binding.kept)

    def verify(self) -> None:
        """Read everything, and refuse what is damaged.

        Raises
        ------
        RowError
            At the first index or block that is not what was sealed.
        """
        for shard in self._shards:
            shard.check_index()
            for row in range(shard.footer.utterances):
                shard.top(row)

    def _tops(self, utterance_ids: Sequence[str]) -> list[TopTargets]:
        rows_SB = self._rows(utterance_ids)
        places_B = (rows_SB >= 0).argmax(0)
        held_B = (rows_SB >= 0).sum(0)
        if (held_B != 1).any():
            self._refuse(utterance_ids, rows_SB, held_B)
        return [self._shards[place].top(rows_SB[place, number]) for number, place in enumerate(places_B)]

    def _rows(self, utterance_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each utterance in each shard, -1 where it is not there."""
        halves_B2 = np.array([layout.hashed(name) for name in utterance_ids], np.uint64).reshape(-1, 2)
        return np.array([shard.rows(halves_B2[:, 0], halves_B2[:, 1]) for shard in self._shards])

    def _refuse(self, utterance_ids: Sequence[str], rows_SB: NDArray[np.int64], held_B: NDArray[np.int64]) -> None:
        number = int((held_B != 1).argmax())
        utterance_id = utterance_ids[number]
        if held_B[number]:
            first, second = (self._shards[place].path for place in np.flatnonzero(rows_SB[:, number] >= 0)[:2])
            raise RowError(f"{second}: utterance {utterance_id!r} is in {first.name} too; remove one of them")
        for shard in self._shards:
            shard.check_index()
        raise RowError(f"{self._folder}: there are no targets of utterance {utterance_id!r}")


def _refuse_doubles(shards: Sequence[Shard]) -> None:
    first_N = np.concatenate([shard.first_N for shard in shards])
    if len(np.unique(first_N)) == len(first_N):
        return
    for one, other in combinations(shards, 2):
        if (one.rows(other.first_N, other.second_N) >= 0).any():
            raise UserError(f"{other.path}: an utterance of it is in {one.path.name} too; remove one of them")
