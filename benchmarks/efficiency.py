"""How much of the machine a row's rounds used: CPU seconds of local training / (cores × wall of the rounds).

    python benchmarks/efficiency.py RUN_FOLDER/ROW [--cores N]

Evaluation, averaging, checkpoints and logging count as wall time and not as training.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path


def efficiency(rounds: list[dict], cores: int) -> float:
    """Return the share of the cores' time that was local training; round 0 (the start) is not a round."""
    trained = [line for line in rounds if line["round"] > 0]
    wall = sum(line["wall_seconds"] for line in trained)
    return sum(line["training_cpu_seconds"] for line in trained) / (cores * wall)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", type=Path)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    lines = (arguments.row / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    share = efficiency([json.loads(line) for line in lines], arguments.cores)
    print(f"{arguments.row}: {share:.3f} of {arguments.cores} cores over {len(lines) - 1} rounds")


if __name__ == "__main__":
    main()
