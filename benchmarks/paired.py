"""Compare two rows of a run, seeds together: WER by paired bootstrap over speakers, development loss, bytes.

python benchmarks/paired.py runs/bmuf_vs_gtc-1 bmuf centralised
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from fedasr.asr.word_errors import ErrorCounts, paired_ratio_interval


def _rows(run: Path, name: str) -> list[dict[str, Any]]:
    rows = json.loads((run / "summary.json").read_text())["rows"]
    found = [row for row in rows if row["name"] == name and row["status"] == "finished"]
    if not found:
        raise SystemExit(f"{run}: no finished row '{name}'; rows: {', '.join(sorted({r['name'] for r in rows}))}")
    return found


def _speakers(run: Path, rows: list[dict[str, Any]]) -> dict[str, list[ErrorCounts]]:
    counts: dict[str, list[ErrorCounts]] = {}
    for row in rows:
        for speaker in json.loads((run / row["folder"] / "speakers.json").read_text()):
            count = ErrorCounts(substitutions=speaker["errors"], words=speaker["words"])
            counts.setdefault(speaker["speaker"], []).append(count)
    return dict(sorted(counts.items()))


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
    first, second = _speakers(arguments.run, ones), _speakers(arguments.run, others)
    ratio, low, high = paired_ratio_interval(
        list(first.values()), [second[name] for name in first], np.random.SeedSequence(0)
    )
    print(f"{arguments.row} against {arguments.against}, {len(ones)} and {len(others)} seeds, {len(first)} speakers")
    print(
        f"WER {_mean(ones, 'wer'):.4f} against {_mean(others, 'wer'):.4f}: ratio {ratio:.3f} ({low:.3f} to {high:.3f})"
    )
    losses = _mean(ones, "development_loss"), _mean(others, "development_loss")
    print(f"development loss {losses[0]:.4f} against {losses[1]:.4f}: ratio {losses[0] / max(losses[1], 1e-12):.3f}")
    for way in ("uplink_bytes", "downlink_bytes"):
        sizes = _mean(ones, way), _mean(others, way)
        print(f"{way} {sizes[0]:,.0f} against {sizes[1]:,.0f}: {sizes[1] / max(sizes[0], 1):.4f} times fewer")


if __name__ == "__main__":
    main()
