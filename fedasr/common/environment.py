"""What a run ran on: versions and machine, written beside its results."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("fedasr", "torch", "torchaudio", "flwr", "ray", "numpy")
"""What decides the bits wherever work is done."""
RENDERING = ("espeakng-loader",)
"""What decides them where the command runs."""
OWN = ("fedasr", "fedasr.strategies")
"""The packages of fedasr's sources: the second lies elsewhere in a checkout."""


def describe() -> dict[str, str | int]:
    """Return versions of what decides the bits, and the machine."""
    found: dict[str, str | int] = {**versions(), **_installed(RENDERING)}
    found |= {"system": platform.system(), "processor": processor(), "cores": cores()}
    return found


def versions() -> dict[str, str]:
    """Return versions of what decides the bits, and a digest of fedasr's own sources: a version may be edited."""
    return {"python": platform.python_version(), **_installed(PACKAGES), "sources": sources()}


def _installed(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@functools.cache
def sources() -> str:
    """Return the digest of fedasr's own sources; see `digest_of`."""
    specs = {package: find_spec(package) for package in OWN}
    return digest_of({name: list(spec.submodule_search_locations or []) for name, spec in specs.items() if spec})


def digest_of(folders: Mapping[str, Sequence[str]]) -> str:
    """Return the SHA-256 of all modules and their names, the same in a checkout and in an installed wheel.

    Parameters
    ----------
    folders : mapping of str to sequence of str
        Where the modules of each package of `OWN` lie.
    """
    digest = hashlib.sha256()
    for package, roots in folders.items():
        for root in sorted(roots):
            modules = {path.relative_to(root).as_posix(): path for path in Path(root).rglob("*.py")}
            for name in sorted(name for name in modules if not name.startswith(_inside(package))):
                digest.update(f"{package}/{name}\n".encode() + modules[name].read_bytes() + b"\n")
    return digest.hexdigest()


def _inside(package: str) -> tuple[str, ...]:
    """Return the folders of a package that are packages of their own, wherever they lie."""
    return tuple(f"{other.removeprefix(package + '.')}/" for other in OWN if other.startswith(f"{package}."))


def cores() -> int:
    """Return on how many cores this process may compute: those it is bound to, and what its container is given."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([bound, *quotas()])))


def quotas(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> Iterator[float]:
    """Yield how many cores' time each control group that this process is in may use, where it is limited.

    Parameters
    ----------
    root : Path
        Where the groups' limits lie: ``cpu.max`` (version 2), or ``cpu.cfs_quota_us`` below ``cpu`` (version 1).
    own : Path
        Where the groups of this process stand. Their limits may lie at the root: a container sees no more.
    """
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return
    for _, controllers, group in lines:
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / "cpu" if controllers else root
        for folder in [top / place.relative_to("/") for place in (Path(group), *Path(group).parents)]:
            yield from _quota(folder, ("cpu.cfs_quota_us", "cpu.cfs_period_us") if controllers else ("cpu.max",))


def _quota(folder: Path, names: Sequence[str]) -> Iterator[float]:
    try:
        quota, period = " ".join((folder / name).read_text() for name in names).split()
        if int(quota) > 0:
            yield int(quota) / int(period)
    except (OSError, ValueError):  # no limit: no file, or "max"
        return


def processor() -> str:
    """Return the processor's name and its widest vector instructions, which decide the bits of sums."""
    try:
        lines = open("/proc/cpuinfo", encoding="utf-8").read().splitlines()  # noqa: SIM115
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = facts.get("flags", "").split()
    widest = next((flag for flag in ("amx_tile", "avx512f", "avx2", "avx") if flag in flags), "no vectors")
    return f"{facts.get('model name', platform.machine())} ({widest})"
