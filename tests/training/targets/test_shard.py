"""A shard that was torn, cut off or changed gives an error and no wrong frame."""

import os
import struct
import zlib
from pathlib import Path

import pytest
from support.stored_targets import BINDING, same, seal, top

from fedasr.common.errors import RowError, UserError
from fedasr.training.targets import layout
from fedasr.training.targets.shard import open_shard
from fedasr.training.targets.store import TargetStore

STORED = {"ann": top(3, 1), "bob": top(0, 2), "cid": top(6, 3)}


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    return seal(tmp_path / "a.targets", STORED)


def outcome(folder: Path, name: str) -> str:
    """What a reader gets: `right`, or the one line that refuses."""
    try:
        found = TargetStore.open(folder, BINDING).top(name)
    except (UserError, RowError) as error:
        return str(error)
    assert same(found, STORED[name])
    return "right"


def test_a_flipped_bit_anywhere_is_refused_or_changes_nothing(shard: Path) -> None:
    content = shard.read_bytes()
    padding = spare(content)
    assert len(padding) == 6
    for place in range(len(content)):
        shard.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        outcomes = [outcome(shard.parent, name) for name in STORED]
        refused = [found for found in outcomes if found != "right"]
        assert all("\n" not in line and line.startswith(str(shard)) for line in refused), place
        assert bool(refused) == (place not in padding), place


def spare(content: bytes) -> range:
    """The bytes between the last block and the index."""
    last = content.index(b"}") // 64 * 64 + 64 + layout.block_bytes(9, BINDING.kept)
    return range(last, last + -last % 8)


def test_a_shard_that_is_cut_off_is_never_opened(shard: Path) -> None:
    content = shard.read_bytes()
    for length in range(len(content)):
        shard.write_bytes(content[:length])
        with pytest.raises(UserError) as caught:
            TargetStore.open(shard.parent)
        assert len(caught.value.lines) == 1
    for more in (b"\0", content, content[-layout.FOOTER_BYTES :]):
        shard.write_bytes(content + more)
        with pytest.raises(UserError, match=r"its (end is missing|beginning and its end do not fit)"):
            TargetStore.open(shard.parent)


def test_two_halves_of_different_shards_are_refused(tmp_path: Path, shard: Path) -> None:
    other = seal(tmp_path / "b.targets", {name: top(len(targets.log_tail_T), 9) for name, targets in STORED.items()})
    mine, others = shard.read_bytes(), other.read_bytes()
    other.unlink()
    assert len(mine) == len(others)
    middle = mine.index(b"}") // 64 * 64 + 64
    shard.write_bytes(mine[:middle] + others[middle:-100] + mine[-100:])
    assert "damaged" in outcome(shard.parent, "cid")


def test_a_bad_block_leaves_the_others_readable(shard: Path) -> None:
    content = bytearray(shard.read_bytes())
    content[content.index(b"}") // 64 * 64 + 64] ^= 1  # the first block
    shard.write_bytes(content)
    store = TargetStore.open(shard.parent)
    assert same(store.top("cid"), STORED["cid"])
    with pytest.raises(RowError, match=r"a\.targets: targets are damaged \(bytes from \d+\); remove the file and run"):
        store.top("ann")
    for read in (lambda: store.batch(["cid", "ann"]), lambda: store.targets("ann"), store.verify):
        with pytest.raises(RowError, match="damaged"):
            read()


def test_a_newer_format_is_refused_in_words(shard: Path) -> None:
    content = bytearray(shard.read_bytes())
    content[8] = 2
    shard.write_bytes(content)
    with pytest.raises(
        UserError, match=r"a\.targets: of format 2, and this fedasr reads format 1: a newer one wrote it$"
    ):
        open_shard(shard)


@pytest.mark.parametrize("content", [b"", b"x", b"PK\3\4" * 100, bytes(200)])
def test_what_is_no_shard_is_refused(shard: Path, content: bytes) -> None:
    shard.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.targets: not a shard of stored targets$"):
        open_shard(shard)


@pytest.mark.parametrize("text", [b"{}", b"[1]", b"{", b"\xff"])
def test_a_header_that_says_something_else_is_refused(shard: Path, text: bytes) -> None:
    shard.write_bytes(b"fedasr-T" + struct.pack("<III", 1, len(text), zlib.crc32(text)) + text + bytes(200))
    with pytest.raises(UserError, match=r"a\.targets: its header is damaged; remove the file"):
        open_shard(shard)


def test_an_index_in_another_order_is_refused(shard: Path) -> None:
    """Each row is right, and no search finds it."""
    content = bytearray(shard.read_bytes())
    place = len(content) - layout.FOOTER_BYTES - len(STORED) * layout.ROW_BYTES
    for column in layout.COLUMNS:
        size = column.itemsize
        first, last = slice(place, place + size), slice(place + 2 * size, place + 3 * size)
        content[first], content[last] = content[last], content[first]
        place += len(STORED) * size
    shard.write_bytes(content)
    store = TargetStore.open(shard.parent)
    for read in (store.verify, lambda: [store.top(name) for name in STORED]):
        with pytest.raises(RowError, match=r"a\.targets: the index of targets is damaged; remove the file and run"):
            read()


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.targets").mkdir()
    with pytest.raises(UserError, match=r"a\.targets: cannot be read: Is a directory$"):
        TargetStore.open(tmp_path)


def test_what_is_mapped_cannot_be_written_to(shard: Path) -> None:
    found = open_shard(shard).top(0)
    with pytest.raises(ValueError, match="read-only"):
        found.log_tail_T[:] = 0
    assert not os.access(shard, os.X_OK)
