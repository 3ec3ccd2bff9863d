"""Compare two rows of a run, seeds together: the paired ratio of their WER, development loss, bytes.

python benchmarks/paired.py runs/bmuf_vs_gtc-1 bmuf centralised
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from fedasr.comparison.intervals import ratio_interval
from fedasr.comparison.model_errors import ModelErrors


def _rows(run: Path, name: str) -> list[dict[str, Any]]:
    rows = json.loads((run / "summary.json").read_text())["rows"]
    found = [row for row in rows if row["name"] == name and row["status"] == "finished"]
    if not found:
        raise SystemExit(f"{run}: no finished row '{name}'; rows: {', '.join(sorted({r['name'] for r in rows}))}")
    return found


def _errors(run: Path, rows: list[dict[str, Any]]) -> list[ModelErrors]:
    return [ModelErrors(0, row["seed"], _speakers(run / row["folder"] / "speakers.json")) for row in rows]


def _speakers(path: Path) -> tuple[tuple[str, int, int], ...]:
    lines = json.loads(path.read_text())
    new = [line for line in lines if line.get("of", "new speakers") == "new speakers"]
    greedy = [line for line in new if line.get("decoding", "greedy") == "greedy"]
    return tuple((line["speaker"], line["errors"], line["words"]) for line in greedy)


def _mean(rows: list[dict[str, Any]], key: str) -> float:
    known = [row[key] for row in rows if row[key] is not None]
    return float(np.mean(known)) if known else math.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("row")
    parser.add_argument("against")
    arguments = parser.parse_args()
    ones, others = _rows(arguments.run, arguments.row), _rows(arguments.run, arguments.against)
    found = ratio_interval(_errors(arguments.run, ones), _errors(arguments.run, others))
    print(f"{arguments.row} against {arguments.against}, {len(ones)} and {len(others)} seeds")
    wers = f"WER {_mean(ones, 'wer'):.4f} against {_mean(others, 'wer'):.4f}"
    if found is None or found.low is None:
        print(f"{wers}: no interval")
    else:
        print(
            f"{wers}: ratio {found.value:.3f} ({found.low:.3f} to {found.high:.3f}), {found.trainings} paired trainings"
        )
    losses = _mean(ones, "development_loss"), _mean(others, "development_loss")
    print(f"development loss {losses[0]:.4f} against {losses[1]:.4f}: ratio {losses[0] / max(losses[1], 1e-12):.3f}")
    for way in ("uplink_bytes", "downlink_bytes"):
        sizes = _mean(ones, way), _mean(others, way)
        print(f"{way} {sizes[0]:,.0f} against {sizes[1]:,.0f}: {sizes[1] / max(sizes[0], 1):.4f} times fewer")


if __name__ == "__main__":
    main()
