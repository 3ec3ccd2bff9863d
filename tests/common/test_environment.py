"""What a process may use, and what its own sources are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedasr.common import environment
from fedasr.common.environment import cores, describe, digest_of, quotas, sources, versions


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to cores")
def test_a_process_bound_to_one_core_has_one() -> None:
    program = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
    program += "from fedasr.common.environment import cores; print(cores())"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "1\n"


def test_no_more_cores_than_there_are() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
    assert describe()["cores"] == cores()


@pytest.mark.parametrize(
    ("lines", "files", "found"),
    [
        ("0::/\n", {"cpu.max": "200000 100000"}, [2.0]),
        ("0::/\n", {"cpu.max": "max 100000"}, []),
        ("0::/\n", {}, []),
        ("0::/a/b\n", {"cpu.max": "400000 100000", "a/cpu.max": "150000 100000", "a/b/cpu.max": "max 1"}, [1.5, 4.0]),
        (
            "9:memory:/m\n3:cpu,cpuacct:/job\n0::/\n",
            {"cpu/job/cpu.cfs_quota_us": "50000", "cpu/job/cpu.cfs_period_us": "100000", "m/cpu.max": "1 1"},
            [0.5],
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, []),
        ("0::/../x\n", {"cpu.max": "100000 100000\n"}, [1.0]),
    ],
)
def test_the_limits_of_control_groups_are_read(
    lines: str, files: dict[str, str], found: list[float], tmp_path: Path
) -> None:
    (tmp_path / "own").write_text(lines)
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert list(quotas(tmp_path / "groups", tmp_path / "own")) == found


@pytest.mark.parametrize(("quota", "used"), [([0.5], 1), ([1.9, 64.0], 1), ([10**6], len(os.sched_getaffinity(0)))])
def test_a_container_has_as_many_cores_as_it_is_given(
    quota: list[float], used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "quotas", lambda: iter(quota))
    assert cores() == used


def test_a_system_without_control_groups_has_no_limit(tmp_path: Path) -> None:
    assert list(quotas(tmp_path, tmp_path / "nothing")) == []


def written(root: Path, **modules: str) -> Path:
    for name, text in modules.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_digest_tells_any_change_of_the_sources_and_nothing_else(tmp_path: Path) -> None:
    def changed(name: str, **modules: str) -> str:
        own = written(tmp_path / name / "fedasr", **{"a": "1\n", "room__b": "2\n", **modules})
        return digest_of({"fedasr": [str(own)], "fedasr.strategies": [str(written(tmp_path / name / "s", gtc="3\n"))]})

    same = changed("same")
    assert changed("again") == same
    (tmp_path / "again/fedasr/__pycache__").mkdir()
    (tmp_path / "again/fedasr/__pycache__/a.pyc").write_bytes(b"compiled")
    assert changed("again") == same
    others = [changed("one", a="1 \n"), changed("two", room__b="3\n"), changed("three", c=""), changed("four", a="")]
    (tmp_path / "five").mkdir()
    other_strategy = {
        "fedasr": [str(tmp_path / "same/fedasr")],
        "fedasr.strategies": [str(written(tmp_path / "t", gtc="4\n"))],
    }
    assert len({same, *others, digest_of(other_strategy)}) == 6


def test_a_checkout_and_a_wheel_have_one_digest(tmp_path: Path) -> None:
    wheel = written(tmp_path / "wheel/fedasr", a="1\n", strategies__gtc="3\n", room__strategies__x="4\n")
    checkout = written(tmp_path / "checkout/fedasr", a="1\n", room__strategies__x="4\n")
    strategies = written(tmp_path / "checkout/strategies", gtc="3\n")
    installed = digest_of({"fedasr": [str(wheel)], "fedasr.strategies": [str(wheel / "strategies")]})
    assert installed == digest_of({"fedasr": [str(checkout)], "fedasr.strategies": [str(strategies)]})


def test_the_sources_are_those_that_run() -> None:
    assert len(sources()) == 64
    assert versions().keys() >= {"fedasr", "sources", "torch", "numpy", "python", "ray"}
    assert describe().items() >= versions().items()
