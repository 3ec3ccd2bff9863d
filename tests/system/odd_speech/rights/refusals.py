"""A refusal: at most twenty lines and one that counts, each naming a place and a mend."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest

from fedasr.common.errors import UserError

Names = tuple[str, ...]
MOST_LINES = 21
NO_MEND_NEEDED = re.compile(r"(?i)\band \d+ more\b|\d+ (faults|entries|lines|errors)|\bin all\b")
MEND = re.compile(
    r"(?i)\b(add|choose|convert|copy|correct|cut|decode|delete|did you mean|download|expected|export|fetch|give|known|"
    r"leave|look|looked|lower|make|mend|merge|move|must|name|needs?|pair|quote|raise|record|remove|rename|repair|replace|save|say|"
    r"set|shorten|split|take|unpack|use|write)\b"
)
INNER = re.compile(r"Traceback|Error\b|codec can't|object has no|NoneType|<class|Errno|argument must be|expected str")
"""What a program says to itself."""


def refused(call: Callable[[], object]) -> UserError:
    """Return how a call is refused.

    A refusal may neither be too long, nor leave out the mend, nor speak the language of the program's inside.
    """
    with pytest.raises(UserError) as caught:
        call()
    lines = str(caught.value).split("\n")
    assert len(lines) <= MOST_LINES, lines
    for line in lines:
        assert not INNER.search(line), line
        assert line.isprintable(), ascii(line)
        line.encode()
        assert MEND.search(line) or NO_MEND_NEEDED.search(line), f"no mend: {line}"
    return caught.value


def assert_names(error: UserError, faults: Sequence[Names]) -> None:
    """Assert that for every fault a line holds all its names."""
    lines = str(error).split("\n")
    for names in faults:
        assert any(all(name in line for name in names) for line in lines), f"{names} not together in {lines}"
