"""How ``benchmarks/fuzz.py --commands`` judges what a command said and left."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.forms import benchmark

commands = benchmark("damage.commands")
Ends = Callable[..., None]


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Ends:
    """Let each command end so."""

    def ends(code: int = 0, said: str = "", printed: str = "", does: Callable[[], Any] = lambda: None) -> None:
        def run(words: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
            does()
            return subprocess.CompletedProcess(words, code, printed, said)

        monkeypatch.setattr(commands.subprocess, "run", run)

    return ends


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "summary.json").write_text("{}")
    return tmp_path


def late() -> None:
    raise subprocess.TimeoutExpired("fedasr.replay", 120)


@pytest.mark.parametrize(
    ("came", "ending"),
    [
        ("hang", {"does": late}),
        ("traceback", {"code": 1, "said": "Traceback (most recent call last):\nValueError: summary.json"}),
        ("traceback", {"said": "Exception ignored in: 1\nTraceback (most recent call last):", "printed": "{}"}),
        ("exit code -11", {"code": -11, "said": "error: summary.json: corrupt"}),
        ("no file named", {"code": 2, "said": "error: something is corrupt"}),
        ("no file named", {"code": 1}),
    ],
)
def test_a_command_that_ends_as_none_may_is_told(came: str, ending: dict[str, Any], ends: Ends, place: Path) -> None:
    ends(**ending)
    with pytest.raises(commands.CommandError) as error:
        commands.by_commands(place, "replay", [])
    assert error.value.came == came


def test_a_refusal_takes_no_file_away(ends: Ends, place: Path) -> None:
    ends(2, "error: summary.json: corrupt", does=(place / "run" / "summary.json").unlink)
    with pytest.raises(commands.CommandError) as error:
        commands.by_commands(place, "report", [])
    assert error.value.came == "files lost"


def test_a_refusal_is_no_result_and_its_line_is_told(ends: Ends, place: Path) -> None:
    told: list[str] = []
    ends(2, "features 18/18\nerror: summary.json: corrupt")
    assert commands.by_commands(place, "evaluate", told) is None
    assert told == ["error: summary.json: corrupt"]


def test_what_is_printed_is_the_result_without_durations(ends: Ends, place: Path) -> None:
    told: list[str] = []
    ends(printed='{"wer": 0.5, "wall_seconds": 3.0}')
    assert commands.by_commands(place, "evaluate", told) == [{"wer": 0.5}, {"wer": 0.5}]
    assert not told
