"""A list of charges loses nothing: a line torn by a crash was not used, and all other damage is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import UserError
from fedasr.runs.charged_lines import ChargedLines


def charged(folder: Path, count: int) -> ChargedLines:
    lines = ChargedLines(folder / "ledger.jsonl")
    for number in range(count):
        lines.append({"key": f"round.{number}"})
    return lines


def test_a_torn_line_is_left_out_and_the_next_takes_its_place(tmp_path: Path) -> None:
    lines = charged(tmp_path, 3)
    with lines.path.open("ab") as file:
        file.write(b'{"key": "round.3", "cou')
    assert [line["key"] for line in lines.read()] == ["round.0", "round.1", "round.2"]
    lines.append({"key": "round.4"})
    assert [line["key"] for line in lines.read()] == ["round.0", "round.1", "round.2", "round.4"]
    assert lines.path.read_bytes().count(b"\n") == 4


@pytest.mark.parametrize("damage", [b"{", b"3", b"[]", b"", b"\xff\xfe"])
def test_any_other_damage_is_refused_by_its_line(damage: bytes, tmp_path: Path) -> None:
    lines = charged(tmp_path, 3)
    whole = lines.path.read_bytes().split(b"\n")
    lines.path.write_bytes(b"\n".join([whole[0], damage, *whole[2:]]))
    with pytest.raises(UserError, match=r"ledger\.jsonl: corrupt in line 2; put it back"):
        lines.read()


def test_a_mark_allows_for_lines_after_it_and_for_no_others(tmp_path: Path) -> None:
    lines = charged(tmp_path, 3)
    mark = lines.mark()
    lines.check(mark)
    lines.append({"key": "later"})
    lines.check(mark)
    content = lines.path.read_bytes()
    lines.path.write_bytes(content.replace(b"round.1", b"round.7"))
    with pytest.raises(UserError, match="not the ledger that the checkpoint was saved with"):
        lines.check(mark)
    lines.path.write_bytes(content[: content.find(b"\n") + 1])
    with pytest.raises(UserError, match="holds 1 charges, and the checkpoint was saved after 3; put it back"):
        lines.check(mark)
    lines.path.unlink()
    with pytest.raises(UserError, match="holds 0 charges"):
        lines.check(mark)


@given(cut=st.integers(min_value=1))
def test_no_cut_passes_the_mark(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    lines = charged(tmp_path_factory.mktemp("cut"), 2)
    mark, content = lines.mark(), lines.path.read_bytes()
    lines.path.write_bytes(content[: -(cut % len(content) or 1)])
    with pytest.raises(UserError):
        lines.check(mark)


def test_each_line_is_on_the_disk_when_it_is_charged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr("os.fsync", synced.append)
    lines = charged(tmp_path, 2)
    assert len(synced) == 3, "two lines, and the folder's new name"
    lines.append({"key": "witness"}, durably=False)
    assert len(synced) == 3
    assert json.loads(lines.path.read_text().splitlines()[-1]) == {"key": "witness"}
