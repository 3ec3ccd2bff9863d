"""A shard is whole or not there."""

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.stored_targets import BINDING, same, seal, top

from fedasr.common.errors import UserError
from fedasr.training.targets.store import TargetStore
from fedasr.training.targets.writer import ShardFacts, ShardWriter


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_shard_appears_when_it_is_sealed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.targets"
    with ShardWriter(path, BINDING) as writer:
        writer.add("u", top(3))
        assert not path.exists()
        facts = writer.seal()
    assert facts == ShardFacts(utterances=1, frames=3, bytes=path.stat().st_size)
    assert files(path.parent) == ["a.targets"]


def test_what_is_not_sealed_is_thrown_away(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "a.targets", BINDING) as writer:
        writer.add("u", top(3))
    with pytest.raises(RuntimeError), ShardWriter(tmp_path / "b.targets", BINDING) as writer:
        raise RuntimeError
    assert files(tmp_path) == []


def test_nothing_is_added_after_the_seal(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "a.targets", BINDING) as writer:
        writer.seal()
        with pytest.raises(ValueError, match="sealed or thrown away"):
            writer.add("u", top(3))
        with pytest.raises(ValueError, match="sealed or thrown away"):
            writer.seal()
    assert files(tmp_path) == ["a.targets"]


def test_an_utterance_is_added_once(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "a.targets", BINDING) as writer:
        writer.add("u", top(3))
        with pytest.raises(UserError, match=r"a\.targets: targets of utterance 'u' were added twice$"):
            writer.add("u", top(4))
        writer.add("v", top(5))
        assert writer.seal().frames == 8


@pytest.mark.parametrize(
    "wrong",
    [
        replace(top(3), indices_TK=top(3).indices_TK[:, :3], log_probabilities_TK=top(3).log_probabilities_TK[:, :3]),
        replace(top(3), indices_TK=top(2).indices_TK),
        replace(top(3), log_tail_T=top(2).log_tail_T),
        replace(top(3), indices_TK=np.full((3, 4), BINDING.outputs, np.uint16)),
    ],
)
def test_targets_of_another_shape_or_inventory_are_refused(tmp_path: Path, wrong: object) -> None:
    with ShardWriter(tmp_path / "a.targets", BINDING) as writer, pytest.raises(ValueError, match="targets of 'u'"):
        writer.add("u", wrong)  # type: ignore[arg-type]


def test_a_shard_that_is_made_again_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = seal(tmp_path / "a.targets", {"u": top(3)})
    before = TargetStore.open(tmp_path)
    seal(path, {"u": top(3, seed=1)})
    assert same(before.top("u"), top(3))  # mapped, it stays as it was
    assert same(TargetStore.open(tmp_path).top("u"), top(3, seed=1))


@pytest.mark.parametrize("name", ["a.shard", "a", "a.targets.tmp"])
def test_a_name_that_no_store_looks_for_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"ends in \.targets"):
        ShardWriter(tmp_path / name, BINDING)


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with ShardWriter(tmp_path / "a.targets", BINDING) as writer:
        writer.add("u", top(3))
        if call == "write":
            monkeypatch.setattr(writer, "_file", FullDisk(writer))
        else:
            monkeypatch.setattr(os, call, full)
        with pytest.raises(UserError, match=r"^\S+a\.targets: the disk is full; [^\n]*$"):
            writer.seal()
    assert files(tmp_path) == []


class FullDisk:
    """The file of a writer, on a disk without room."""

    def __init__(self, writer: ShardWriter) -> None:
        self._file = writer._file

    def write(self, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        assert self._file is not None
        self._file.close()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a buffer does that cannot be written


def test_a_limit_on_files_is_one_line(tmp_path: Path) -> None:
    """The system itself refuses, in a process of its own, in the middle of an utterance."""
    program = f"""
import resource
from pathlib import Path
from support.stored_targets import seal, top
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
seal(Path({str(tmp_path)!r}) / "a.targets", {{"u": top(100_000)}})
"""
    tests = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=tests, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("a.targets: cannot be written: File too large")
    assert files(tmp_path) == []


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"a\.targets: cannot be written: File exists$"):
        ShardWriter(tmp_path / "file" / "a.targets", BINDING)


def test_what_a_killed_writer_left_is_removed_and_what_another_writes_is_not(tmp_path: Path) -> None:
    (tmp_path / ".a[1].targets-77-0badcafe").write_bytes(b"left")
    (tmp_path / ".b.targets-77-0badcafe").write_bytes(b"of another shard")
    with ShardWriter(tmp_path / "a[1].targets", BINDING) as writer:
        writer.add("u", top(3))
        assert len(files(tmp_path)) == 2
        seal(tmp_path / "a[1].targets", {"v": top(2)})  # beside it, of the same name
        writer.seal()
    assert files(tmp_path) == [".b.targets-77-0badcafe", "a[1].targets"]
    assert "u" in TargetStore.open(tmp_path)
