"""The lists of packages that environments are made from say what ``pyproject.toml`` says."""

import subprocess
import sys
import tomllib

from support.tree import CHECKOUT

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RANGES = PROJECT["dependencies"]
EXTRAS = PROJECT["optional-dependencies"]


def _listed(name: str, *options: str) -> list[str]:
    words = [sys.executable, "benchmarks/environments.py", "--list", name, *options]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_newest_are_the_ranges() -> None:
    assert _listed("newest", "--extras", "synth") == [*RANGES, *EXTRAS["synth"]]


def test_tests_ask_for_the_extras_of_their_extra() -> None:
    listed = set(_listed("newest"))
    assert {*RANGES, *EXTRAS["synth"], *EXTRAS["tracking"]} < listed
    assert not any(line.startswith("fedasr") for line in listed)


def test_the_lowest_are_their_lower_ends() -> None:
    expected = [line.split(",")[0].replace(">=", "==") for line in RANGES]
    assert all("==" in line for line in expected)
    assert _listed("lowest", "--extras") == expected


def test_beside_another_torch_is_all_else_and_no_torchaudio() -> None:
    others = [line for line in RANGES if not line.startswith("torch")]
    assert len(others) == len(RANGES) - 2
    assert _listed("beside-torch", "--extras", "--torch", "torch==2.13.0") == ["torch==2.13.0", *others]


def test_torch_and_torchaudio_are_held_together() -> None:
    assert {"torch>=2.11,<2.12", "torchaudio>=2.11,<2.12"} <= set(RANGES)
