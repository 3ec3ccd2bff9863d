"""Run the numeric tests again and again, with other random examples and other kernels for matrices each time.

python benchmarks/steady.py --runs 30
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

ROOMS = ("wire", "asr", "privacy", "protection", "training", "student", "voting")
KERNELS: tuple[dict[str, str], ...] = (
    {},
    {"OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    {"OPENBLAS_CORETYPE": "Prescott", "ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
)


def passes(number: int, times: int, rooms: list[str]) -> bool:
    """Run the tests with the examples and the kernels of this number, and show what they print."""
    kernels = KERNELS[number % len(KERNELS)]
    shown = " ".join(f"{name}={value}" for name, value in kernels.items()) or "this machine's kernels"
    print(f"run {number}: {shown}", flush=True)
    words = ["-m", "pytest", "-p", "no:cacheprovider", "--many", str(times), "--hypothesis-seed", str(number)]
    tests = [f"tests/{room}" for room in rooms]
    return subprocess.run([sys.executable, *words, *tests], env={**os.environ, **kernels}, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--first", type=int, default=0, help="number of the first run: its seed and its kernels")
    parser.add_argument("--many", type=int, default=1, help="times the usual number of examples")
    parser.add_argument("rooms", nargs="*", default=ROOMS, help="folders of tests/")
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.runs)
    failed = [number for number in numbers if not passes(number, arguments.many, list(arguments.rooms))]
    print(f"{arguments.runs - len(failed)} of {arguments.runs} runs passed" + (f"; failed: {failed}" if failed else ""))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
