"""What interleaving adds to the reduction of errors: order × learning rate, from the results of the draws.

python benchmarks/interleaving.py                               # benchmarks/results/million_hours/draw-*.json

A row's reduction is what it saves of the errors of `labelled-alone`. The share that one row adds to another's is the
ratio of their reductions less 1, with the interval that `fedasr.comparison` gives to a ratio: paired by draw and
speaker, errors of all draws together. A speaker's reduction may be negative; the pooled ones must not be.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from claim import RESULTS, SCORES, run_of

from fedasr.comparison.intervals import ratio_interval
from fedasr.comparison.model_errors import ModelErrors
from fedasr.report.words.groups import Group, groups
from fedasr.runs.draw_results import read_results

ALONE = "labelled-alone"
PAIRS = {
    "interleaved, at the same rate": ("student", "segregated"),
    "interleaved, labelled at twice the rate": ("student-rate", "segregated-rate"),
    "twice the rate, interleaved": ("student-rate", "student"),
    "twice the rate, segregated": ("segregated-rate", "segregated"),
    "both": ("student-rate", "segregated"),
}


def reductions(alone: Sequence[ModelErrors], row: Sequence[ModelErrors]) -> list[ModelErrors]:
    """Return the errors that a row saves, by training and speaker."""
    return [_saved(one, other) for one, other in zip(alone, row, strict=True)]


def _saved(alone: ModelErrors, row: ModelErrors) -> ModelErrors:
    made = {name: errors for name, errors, _ in row.errors}
    if alone.key != row.key or made.keys() != {name for name, _, _ in alone.errors}:
        raise SystemExit(f"draw {alone.draw}: two rows were not tested on the same speakers")
    return replace(alone, errors=tuple((name, errors - made[name], words) for name, errors, words in alone.errors))


def added(first: Group, second: Group, alone: Group, of: str, decoding: str) -> str:
    """Return the share that one row adds to another's reduction, in percent with its interval."""
    by = of, decoding
    found = ratio_interval(*(reductions(alone.tested(*by), group.tested(*by)) for group in (first, second)))
    if found is None or found.low is None or found.high is None:
        return "–"
    value, low, high = (100 * (ratio - 1) for ratio in (found.value, found.low, found.high))
    return f"{value:+.0f}% ({low:+.0f}% to {high:+.0f}%)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS / "million_hours")
    everyone = {group.name: group for group in groups(run_of("", read_results(parser.parse_args().results)))}
    alone = everyone[ALONE]
    columns = {title: by for title, by in SCORES.items() if alone.rate(*by)}
    print(f"| what | row beside row | {' | '.join(columns)} |\n{'|---' * (len(columns) + 2)}|")
    for what, (first, second) in PAIRS.items():
        shares = [added(everyone[first], everyone[second], alone, *by) for by in columns.values()]
        print(f"| {what} | {first}, {second} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()
