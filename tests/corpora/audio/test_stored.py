"""What is no audio file by its place on disk is refused in a line, and never waited for."""

import os
from pathlib import Path

import pytest

from fedasr.common.errors import UserError
from fedasr.corpora.audio import inspect


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(UserError, match=r"a\.wav: not a regular file"):
        inspect(tmp_path / "a.wav")


def test_a_name_that_no_system_takes(tmp_path: Path) -> None:
    """As where the columns of text and audio are swapped."""
    with pytest.raises(UserError, match=r"the room of the house.*: cannot read the audio file"):
        inspect(tmp_path / ("the room of the house " * 20))
