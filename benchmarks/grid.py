"""fedasr's RayGrid beside Flower's own simulation engine and pfl-research, in one run.

    python benchmarks/grid.py [--only CASE]... [--rounds N] [--json FILE]

Every contestant runs in a process of its own; round times are medians without the first round.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from dataclasses import asdict
from pathlib import Path

from grids.cases import OWN, Case, Comparison, Measurement
from grids.contestants import case_of, chosen, run, work
from rich.console import Console
from rich.table import Table

GB = 1e9


def main(arguments: list[str]) -> int:
    """Measure and print; exit code 1 where a contestant is absent, models differ or a target is missed."""
    options = _options(arguments)
    if options.contestant:
        work(options.contestant, case_of(options.case), Path(options.answer))
        return 0
    console = Console(width=None if sys.stdout.isatty() else 150)
    comparisons = []
    for case in chosen(options.only, options.rounds):
        comparison = Comparison(case, run(OWN, case), run(case.peer, case))
        comparisons.append(comparison)
        console.print(f"{case.name}: {verdict(comparison)}", highlight=False, markup=False)
    console.print(table(comparisons))
    if options.json:
        Path(options.json).write_text(json.dumps([_plain(c) for c in comparisons], indent=1), encoding="utf-8")
    return 0 if all(passed(comparison) for comparison in comparisons) else 1


def ratio(comparison: Comparison) -> float:
    """Return how many times faster a round is with fedasr."""
    return seconds(comparison.peer) / seconds(comparison.own)


def memory_ratio(comparison: Comparison) -> float:
    """Return how many times more memory the peer's driver needs."""
    return comparison.peer.driver_bytes / comparison.own.driver_bytes


def seconds(measurement: Measurement) -> float:
    """Return the median time of a round."""
    return statistics.median(measurement.round_seconds)


def same_model(comparison: Comparison) -> bool:
    """Return whether both sides ended with the same model, up to rounding in float32."""
    own, peer = comparison.own.model, comparison.peer.model
    close = (math.isclose(own[key], peer[key], rel_tol=1e-3, abs_tol=1e-6) for key in peer)
    return own.keys() == peer.keys() and all(close)


def verdict(comparison: Comparison) -> str:
    """Return what a case shows, in one line."""
    case, own, peer = comparison.case, comparison.own, comparison.peer
    for name, measurement in ((OWN, own), (case.peer, peer)):
        if measurement.absent:
            return f"ABSENT: {name}: {measurement.absent}"
    if not same_model(comparison):
        return f"DIFFERENT WORK: the models are {dict(own.model)} and {dict(peer.model)}"
    words = [f"{ratio(comparison):.1f} times {case.peer} (at least {case.least_ratio:g}, aim {case.aim:g})"]
    if case.least_memory_ratio:
        words.append(f"driver's memory 1/{memory_ratio(comparison):.1f} (at most 1/{case.least_memory_ratio:g})")
    return f"{'ok' if passed(comparison) else 'MISSED'}: {'; '.join(words)}"


def passed(comparison: Comparison) -> bool:
    """Return whether a case was measured on both sides and its targets are met."""
    if comparison.own.absent or comparison.peer.absent or not same_model(comparison):
        return False
    is_small = not comparison.case.least_memory_ratio or memory_ratio(comparison) >= comparison.case.least_memory_ratio
    return is_small and ratio(comparison) >= comparison.case.least_ratio


def table(comparisons: list[Comparison]) -> Table:
    """Return all cases as a table, two lines each."""
    result = Table("case", "contestant", "round ms", "slowest ms", "ratio", "driver RSS GB", "driver PSS GB",
                   "all PSS GB")  # fmt: skip
    for comparison in comparisons:
        is_measured = not (comparison.own.absent or comparison.peer.absent)
        result.add_row(*_row(comparison.case, OWN, comparison.own),
                       *_numbers(comparison.own, f"{ratio(comparison):.2f}" if is_measured else ""))  # fmt: skip
        result.add_row("", comparison.case.peer, *_times(comparison.peer),
                       *_numbers(comparison.peer, ""), end_section=True)  # fmt: skip
    return result


def _row(case: Case, contestant: str, measurement: Measurement) -> list[str]:
    return [case.name, contestant, *_times(measurement)]


def _times(measurement: Measurement) -> list[str]:
    if measurement.absent:
        return ["absent", ""]
    return [f"{1000 * seconds(measurement):,.0f}", f"{1000 * max(measurement.round_seconds):,.0f}"]


def _numbers(measurement: Measurement, ratio_text: str) -> list[str]:
    sizes = (measurement.driver_bytes, measurement.driver_share_bytes, measurement.total_share_bytes)
    return [ratio_text, *("" if measurement.absent else f"{size / GB:.2f}" for size in sizes)]


def _plain(comparison: Comparison) -> dict[str, object]:
    answer: dict[str, object] = asdict(comparison)
    if not (comparison.own.absent or comparison.peer.absent):
        answer["ratio"], answer["memory_ratio"] = ratio(comparison), memory_ratio(comparison)
        answer["passed"] = passed(comparison)
    return answer


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="CASE", help="measure this case only")
    parser.add_argument("--rounds", type=int, help="timed rounds, instead of each case's own number")
    parser.add_argument("--json", metavar="FILE", help="write every round time to this file")
    for hidden in ("--contestant", "--case", "--answer"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
