"""The stored targets of a folder: all its sealed shards as one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from fedasr.asr.soft_targets import FrameTargets, SoftTargets
from fedasr.common.errors import RowError, UserError
from fedasr.training.targets import layout
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.catalogue import Catalogue, merged
from fedasr.training.targets.padded import padded
from fedasr.training.targets.shard import Shard, open_shard
from fedasr.training.targets.top import TopTargets, expanded

COMPARED_UTTERANCES = 200_000
"""Up to how many utterances shards are compared as they are opened (30 ms), and not before the first is read."""


class TargetStore:
    """What a teacher said of many utterances, mapped from disk and checked as it is read.

    In memory is a handful of numbers a shard, and of several shards a catalogue: 16 bytes an utterance, beyond two
    million utterances in a file that has no name.

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
            same utterance; of more than 200,000 utterances this last is seen before the first is read.
        """
        shards = [open_shard(path) for path in sorted(folder.glob(f"[!.]*{layout.SUFFIX}"))]
        if not shards:
            raise UserError(f"{folder}: there are no sealed shards of targets (*{layout.SUFFIX})")
        expected = binding or shards[0].binding
        for shard in shards:
            if difference := shard.binding.difference(expected):
                raise UserError(f"{shard.path}: its targets are of something else: {difference}")
        store = cls(folder, expected, shards)
        if store.utterances <= COMPARED_UTTERANCES:
            store._compare()
        return store

    def __reduce__(self) -> tuple[object, ...]:
        """Another process opens the folder: mapped bytes do not travel."""
        return TargetStore.open, (self._folder, self.binding)

    def __contains__(self, utterance_id: object) -> bool:
        return isinstance(utterance_id, str) and self._catalogue.find(*layout.hashed(utterance_id)) is not None

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
            Where it is not stored, its block is damaged, or two shards hold the same utterance.
        """
        found = self._catalogue.find(*layout.hashed(utterance_id))
        if found is None:
            for shard in self._shards:
                shard.check_index()
            raise RowError(f"{self._folder}: there are no targets of utterance {utterance_id!r}")
        shard, row = found
        return shard.top(row)

    def targets(self, utterance_id: str) -> FrameTargets:
        """Return the soft targets of an utterance; errors are those of `top`."""
        return expanded(self.top(utterance_id))

    def batch(self, utterance_ids: Sequence[str]) -> SoftTargets:
        """Return the soft targets of some utterances, padded with zeros to the longest; errors are those of `top`."""
        return padded([self.top(utterance_id) for utterance_id in utterance_ids], self.binding.kept)

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

    def _compare(self) -> None:
        try:
            _ = self._catalogue
        except RowError as error:
            raise UserError(str(error)) from error

    @cached_property
    def _catalogue(self) -> Catalogue:
        if len(self._shards) == 1:
            [shard] = self._shards
            return Catalogue(self._shards, shard.first_N, range(shard.footer.utterances))
        catalogue = merged(self._shards, self._folder)
        if doubled := catalogue.double():
            one, other = doubled
            raise RowError(f"{other.path}: an utterance of it is in {one.path.name} too; remove one of them")
        return catalogue
