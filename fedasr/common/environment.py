"""What a run ran on: versions and machine, written beside its results."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("fedasr", "torch", "torchaudio", "flwr", "ray", "numpy", "espeakng-loader")


def describe() -> dict[str, str | int]:
    """Return versions of what decides the bits, and the machine."""
    found: dict[str, str | int] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found |= {"system": platform.system(), "processor": processor(), "cores": os.cpu_count() or 1}
    return found


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
