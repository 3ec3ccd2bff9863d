"""What runs on other machines is compared with what runs here, and said in one line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fedasr.common.environment import versions
from fedasr.grid.ray.machines import Machine, difference, this_machine, unusable

OURS = {"python": "3.11.7", "fedasr": "0.1.0", "torch": "2.11.0", "numpy": "2.3.1", "sources": "a" * 64}
SAME = Machine("10.0.0.1", "one", OURS, "a processor")


def other(name: str, **versions: str | None) -> Machine:
    known = {key: value for key, value in {**OURS, **versions}.items() if value is not None}
    return Machine(f"10.0.0.{name}", f"host-{name}", known, "a processor")


def test_machines_alike_are_not_told_of() -> None:
    assert difference([], OURS) == difference([SAME, replace(SAME, node="10.0.0.2", processor="another")], OURS) == ""


@pytest.mark.parametrize("key", OURS)
def test_any_version_and_the_sources_are_told_with_the_machine(key: str) -> None:
    other_version = "b" * 64 if key == "sources" else "9.9"
    line = difference([SAME, other("2", **{key: other_version})], OURS)
    assert line == (
        f"machine 10.0.0.2 (host-2) has {key} {other_version[:12]} (here {OURS[key][:12]}); install there what is here"
    )


def test_all_that_differs_is_one_line() -> None:
    line = difference([other("2", torch="2.10.0", numpy=None), SAME, other("3", flwr="1.41")], OURS)
    assert line == (
        "machine 10.0.0.2 (host-2) has torch 2.10.0 (here 2.11.0), numpy not there (here 2.3.1); "
        "machine 10.0.0.3 (host-3) has flwr 1.41 (here not there); install there what is here"
    )


def test_this_machine_does_not_differ_from_itself() -> None:
    machine = this_machine()
    assert difference([machine], versions()) == ""
    assert machine.described().items() >= versions().items()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "\x1b[36mray::Actor.ready()\x1b[39m (pid=77, ip=10.0.0.2, actor_id=1)\nRuntimeError: The actor with name "
            "Actor failed to import on the worker.\nTraceback (most recent call last):\n"
            "ModuleNotFoundError: No module named 'fedasr'\n",
            "machine 10.0.0.2 cannot import what a worker needs: No module named 'fedasr'",
        ),
        (
            "The actor died.\nOSError: no space left\n",
            "a machine of the cluster: no worker can be started: OSError: no",
        ),
        ("", "a machine of the cluster: no worker can be started: RuntimeError"),
    ],
)
def test_a_worker_that_cannot_be_made_is_one_line(text: str, told: str) -> None:
    line = unusable(RuntimeError(text))
    assert line.startswith(told)
    assert "\n" not in line
