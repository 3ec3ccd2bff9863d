"""Folders that are sent to other machines arrive whole, readable, and once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fedasr.grid.ray.shipping import pieces, unpack

FILES = {"empty": b"", "short": b"abc", "whole": bytes(range(8)), "long": bytes(range(21))}
PIECE_BYTES = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sent"
    made.mkdir()
    for name, content in FILES.items():
        (made / name).write_bytes(content)
    return made


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_arrives_whole_and_others_may_read_it(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "machine" / "received"
    unpack(there, pieces(folder, PIECE_BYTES))
    assert _contents(there) == FILES
    assert stat.S_IMODE(there.stat().st_mode) == 0o755
    assert [path.name for path in there.parent.iterdir()] == ["received"], "nothing is left of the way there"


def test_no_piece_is_longer_than_asked_for_and_an_empty_file_has_one(folder: Path) -> None:
    sent = list(pieces(folder, PIECE_BYTES))
    assert [piece.name for piece in sent] == ["empty", *["long"] * 6, "short", "whole", "whole"]
    assert max(len(piece.content) for piece in sent) == PIECE_BYTES


def test_where_another_was_faster_its_folder_stays(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "received"
    there.mkdir()
    (there / "first").write_bytes(b"1")
    unpack(there, pieces(folder))
    assert _contents(there) == {"first": b"1"}
    assert {path.name for path in tmp_path.iterdir()} == {"sent", "received"}


def test_what_breaks_off_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    def broken_off() -> object:
        yield next(pieces(folder))
        raise OSError("the line is dead")

    with pytest.raises(OSError, match="dead"):
        unpack(tmp_path / "received", broken_off())  # type: ignore[arg-type]
    assert {path.name for path in tmp_path.iterdir()} == {"sent"}
