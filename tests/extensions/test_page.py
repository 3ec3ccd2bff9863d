"""The page on extensions shows what the tests run."""

import re
from pathlib import Path

import pytest
from support.packages import EXTENSIONS

PAGE = (EXTENSIONS.parent / "extend.md").read_text(encoding="utf-8")
FILES = sorted(EXTENSIONS.glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_is_on_the_page_and_short(file: Path) -> None:
    text = file.read_text(encoding="utf-8").rstrip()
    assert f"```python\n{text}\n```" in PAGE
    assert len(text.splitlines()) <= (80 if file.stem == "algorithm" else 60)


def test_nothing_else_is_on_the_page() -> None:
    assert len(re.findall("```python", PAGE)) == len(FILES) == 8
