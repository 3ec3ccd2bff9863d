"""Many indices as one."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stored_targets import same, seal, top

from fedasr.common.errors import RowError
from fedasr.training.targets import catalogue, layout
from fedasr.training.targets.shard import Shard, open_shard


def shards(folder: Path, names: list[list[str]]) -> list[Shard]:
    made = [seal(folder / f"{n}.targets", {name: top(len(name)) for name in part}) for n, part in enumerate(names)]
    return [open_shard(path) for path in made]


@given(st.sets(st.text("abc", max_size=4), max_size=30), st.integers(1, 4), st.integers(1, 50), st.booleans())
def test_every_utterance_is_found_where_it_is(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], count: int, at_once: int, in_memory: bool
) -> None:
    folder, ordered = tmp_path_factory.mktemp("catalogue"), sorted(names)
    opened = shards(folder, [ordered[n::count] for n in range(count)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "AT_ONCE_UTTERANCES", at_once)
        found = catalogue.merged(opened, folder, in_memory=100 if in_memory else -1)
        assert found.double() is None
    for number, name in enumerate(ordered):
        place = found.find(*layout.hashed(name))
        assert place is not None
        assert place[0] is opened[number % count]
        assert same(place[0].top(place[1]), top(len(name)))
    assert found.find(*layout.hashed("d")) is None
    assert sorted(path.name for path in folder.iterdir()) == [f"{n}.targets" for n in range(count)]


def test_the_range_in_which_a_double_lies_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"u{number}" for number in range(9)]
    for doubled in names:
        one, other = shards(tmp_path, [names, [doubled, "v"]])
        for at_once in (1, 2, 3, 100):
            monkeypatch.setattr(catalogue, "AT_ONCE_UTTERANCES", at_once)
            found = catalogue.merged([one, other], tmp_path).double()
            assert found is not None
            assert set(found) == {one, other}


def test_hashes_of_which_half_is_the_same_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def halves(name: str) -> tuple[int, int]:
        return (5, int(name)) if int(name) else (2**64 - 1, 0)

    monkeypatch.setattr(layout, "hashed", halves)
    opened = shards(tmp_path, [["3", "1"], ["0", "2"], []])
    found = catalogue.merged(opened, tmp_path)
    assert found.double() is None
    for name, shard in (("1", 0), ("2", 1), ("3", 0), ("0", 1)):
        place = found.find(*halves(name))
        assert place is not None
        assert (place[0], int(place[0].second_N[place[1]])) == (opened[shard], int(name))
    for absent in ((5, 0), (5, 4), (4, 1), (6, 1), (2**64 - 1, 1)):
        assert found.find(*absent) is None
    alone = catalogue.Catalogue(opened[:1], opened[0].first_N, range(2))
    assert alone.find(5, 3) == (opened[0], 1)
    assert alone.find(5, 2) is None


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    opened = shards(tmp_path, [["a"], ["b"]])
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(RowError, match=r"no room for the index of 2 utterances: No space left on device$"):
        catalogue.merged(opened, tmp_path, in_memory=1)


def test_the_file_without_a_name_has_its_room_from_the_start(tmp_path: Path) -> None:
    """A mapped file that found the disk full as it is written to would end the process."""
    columns_2N = catalogue._columns(300_000, tmp_path, in_memory=0)
    assert columns_2N.shape == (2, 300_000)
    assert not columns_2N.any()
    columns_2N[:] = np.arange(300_000, dtype=np.uint64)
    assert list(tmp_path.iterdir()) == []
