"""Lines of a text file, however it was saved."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import UserError
from fedasr.corpora.readers.lines import numbered_lines

texts = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\ufeff\0")), min_size=1, max_size=4)


@given(lines=texts, end=st.sampled_from(["\n", "\r\n", "\r"]), mark=st.booleans())
def test_all_ends_of_lines_give_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str, mark: bool
) -> None:
    path = tmp_path_factory.mktemp("lines") / "list"
    path.write_bytes("".join(line + end for line in lines).encode("utf-8-sig" if mark else "utf-8"))
    assert list(numbered_lines(path, "list")) == list(enumerate(lines, start=1))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_the_first_line_that_is_not_utf8_is_named(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list"
    path.write_bytes("one\ntwo\ncafé\ncafé\n".encode(encoding))
    with pytest.raises(UserError, match=rf"^{path}:3: the list is not UTF-8 text; save it as UTF-8$"):
        list(numbered_lines(path, "list"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_wider_encodings_are_told(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list"
    path.write_bytes("one\ntwo\n".encode(encoding))
    with pytest.raises(UserError, match=rf"^{path}:1: the list is not UTF-8 text; save it as UTF-8$"):
        list(numbered_lines(path, "list"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none: cannot read the list \(No such file"):
        list(numbered_lines(tmp_path / "none", "list"))
