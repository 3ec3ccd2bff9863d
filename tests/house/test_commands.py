"""Every command and every block of code in the documents does what it says, here with tiny settings."""

import functools
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.documents import OTHERS, PAGES, blocks, inline
from support.reader import Reader, look_up, small
from support.tree import CHECKOUT

import fedasr.api
import fedasr.report

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = set(PROJECT["optional-dependencies"])


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> Iterator[Reader]:
    """One folder for all pages; what is run is made small and stays in this process, and one page in all is drawn."""
    run, write_page = fedasr.api.run, functools.cache(fedasr.report.write_page)

    @functools.wraps(run)
    def run_small(experiment: Any, *, resume: Any = None, **options: Any) -> Any:
        tiny = experiment if resume else reader.fresh(small(experiment))
        return run(tiny, resume=resume, **{**options, "grid": "process", "address": None})

    reader = Reader(tmp_path_factory.mktemp("reader"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(reader.place)
        patch.syspath_prepend(reader.place)
        patch.setattr(fedasr.api, "run", run_small)
        patch.setattr(
            fedasr.report, "write_page", lambda folder, release=False: write_page(Path("runs/quickstart-1"), False)
        )
        reader.prepare()
        yield reader


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_what_a_page_says_can_be_done(page: Path, reader: Reader) -> None:
    for block in [*blocks(CHECKOUT / "README.md"), *blocks(page)]:
        reader.follow(block)


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_all_commands_have_the_options_they_are_given(page: Path) -> None:
    for words in (words for block in blocks(page) if block.language == "shell" for words in block.commands()):
        look_up(words)
        for extras in re.findall(r"\.\[([\w,]+)\]", " ".join(words)) if words[:2] == ["pip", "install"] else ():
            assert set(extras.split(",")) <= EXTRAS, extras
    for code in inline(page):
        if code.startswith(("python -m fedasr.", "fedasr ")) and "…" not in code:
            look_up(shlex.split(code))
