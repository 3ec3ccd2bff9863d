"""What the linters find is a failure of the one test command too."""

import subprocess
import sys

import pytest
from support.tree import CHECKOUT


@pytest.mark.parametrize("words", ["ruff check .", "ruff format --check .", "mypy"])
def test_clean(words: str) -> None:
    line = [sys.executable, "-m", *words.split()]
    done = subprocess.run(line, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
