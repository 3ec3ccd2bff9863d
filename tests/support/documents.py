"""What the documents hold: blocks of code, links, and names of files and modules."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from support.tree import CHECKOUT

PAGES = [CHECKOUT / "README.md", CHECKOUT / "docs/tutorial/index.md", *sorted(CHECKOUT.glob("docs/[!t]*/*.md"))]
"""In the order in which a reader follows them."""

OTHERS = [CHECKOUT / "CONTRIBUTING.md", *sorted(CHECKOUT.glob("benchmarks/*.md"))]
"""For those who work on fedasr: links and options are checked, commands are not run."""


@dataclass(frozen=True)
class Block:
    """Code of a page. An indented block holds commands for a shell; a fenced one says its language."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that the block's first line names as a comment: ``# mine.toml``."""
        found = re.match(r"# (?:at the end of )?([\w./-]+\.\w+)$", self.text.splitlines()[0])
        return found[1] if found else ""

    def commands(self) -> list[list[str]]:
        """Return the words of each command of a shell; comments are left out, what follows ``&&`` is one of its own."""
        found = []
        for line in self.text.replace("\\\n", " ").splitlines():
            words = shlex.shlex(line, posix=True, punctuation_chars=True)
            words.whitespace_split = True
            found += [list(part) for joint, part in groupby(words, "&&".__eq__) if not joint]
        return found


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in their order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        start, fence = number, re.match(r"```(\w*)$", lines[number])
        number += 1
        if fence:
            while lines[number] != "```":
                number += 1
            yield Block(page, start + 2, fence[1] or "text", "\n".join(lines[start + 1 : number]))
            number += 1
        elif lines[start].startswith("    ") and (start == 0 or not lines[start - 1].strip()):
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                number += 1
            yield Block(page, start + 1, "shell", "\n".join(line[4:] for line in lines[start:number]).rstrip())


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    """Return what a page links to or shows, as it is written."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings: lower case, words joined by dashes, other marks left out."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def inline(page: Path) -> list[str]:
    """Return the code within a page's sentences."""
    return re.findall(r"`([^`\n]+)`", prose(page))
