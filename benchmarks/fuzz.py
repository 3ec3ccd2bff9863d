"""Damage to files of a run, and what is made of it: ``python benchmarks/fuzz.py --seed 1 --count 100``.

A run of two silos is copied, once as it finished and once as it was stopped on its way, with its corpus, its cache of
features and a model apart. Each trial damages one file (truncate, flip a bit, swap with another, delete, fill), then
resumes, evaluates, renders or replays: in this process, or with ``--commands`` by the commands, each a process of its
own. What comes of it must be what comes of the undamaged, or be told in a line that names a file. A traceback, a hang,
or another result without a word is a failure: it is printed with its number, by which ``--only`` repeats it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

from damage.acts import in_process, pages_left_out
from damage.bench import Bench
from damage.commands import by_commands
from damage.trial import PASSED, trial


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--only", type=int)
    parser.add_argument("--commands", action="store_true", help="By the commands themselves: some 20 s a trial.")
    parser.add_argument("--seconds", type=float, default=1e9, help="Begin no trial after so long.")
    arguments = parser.parse_args()
    pages_left_out()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as root:
        bench = Bench(Path(root), by_commands if arguments.commands else in_process)
        numbers = range(arguments.first, arguments.first + arguments.count)
        counts: Counter[str] = Counter()
        begun = time.monotonic()
        try:
            for number in [arguments.only] if arguments.only is not None else numbers:
                if time.monotonic() - begun > arguments.seconds:
                    break
                came, told = trial(bench, arguments.seed, number)
                counts[came] += 1
                if came not in PASSED or arguments.only is not None:
                    print(f"{number}: {came}", *told, sep="\n  ", flush=True)
        finally:
            following = arguments.first + counts.total()
            print(
                json.dumps({"seed": arguments.seed, "first": arguments.first, "next": following, **counts}), flush=True
            )


if __name__ == "__main__":
    main()
