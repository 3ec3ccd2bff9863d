"""Every link resolves, and what the documents name is there."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest
from support.documents import OTHERS, PAGES, anchors, blocks, inline, links
from support.tree import CHECKOUT

from fedasr.experiment.experiment import Experiment

GROUPS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
ALL = pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: page.relative_to(CHECKOUT).as_posix())


@ALL
def test_links_resolve(page: Path) -> None:
    for link in links(page):
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            target = (page.parent / path) if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@ALL
def test_files_and_modules_are_there(page: Path) -> None:
    for code in inline(page):
        if re.fullmatch(r"(fedasr|strategies|simulations|tests|benchmarks|docs)/[\w./-]*", code):
            assert (CHECKOUT / code).exists(), code
        if re.fullmatch(r"fedasr(\.\w+)+", code):
            assert code in GROUPS or is_there(code), code


def is_there(name: str) -> bool:
    """Whether a dotted name is a module or an attribute of one."""
    try:
        importlib.import_module(name)
    except ImportError:
        module, _, attribute = name.rpartition(".")
        return bool(module) and hasattr(importlib.import_module(module), attribute)
    return True


def test_the_tutorial_counts_right() -> None:
    text = (CHECKOUT / "docs/tutorial/index.md").read_text(encoding="utf-8")
    corpus = Experiment.load("quickstart").corpus
    others = corpus.public_speakers + corpus.unlabelled_speakers + corpus.development_speakers + corpus.test_speakers
    assert f"renders {corpus.speakers} synthetic speakers" in text
    assert f"gives {corpus.speakers - others} of them a silo each" in text


def test_blocks_links_and_anchors_are_read(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b` – c: d?\n\nSee [x](y.md#z).\n\n    one two \\\n      three  # four\n    # five\n    six && seven\n\n"
        "```python\n# eight.py\n    nine = 9\n```\n"
    )
    shell, python = blocks(page)
    assert shell.commands() == [["one", "two", "three"], ["six"], ["seven"]]
    assert (shell.line, python.line, python.language, python.file) == (5, 11, "python", "eight.py")
    assert anchors(page) == {"a-b--c-d"}
    assert links(page) == ["y.md#z"]
