"""Every shipped experiment, cut small, run and verified; then runs with one thing falsified, which must be found.

    python benchmarks/verify.py shipped --data FOLDER [--only quickstart] [--keep FOLDER] [--json FILE]
    python benchmarks/verify.py falsified [--runs 200] [--keep FOLDER] [--json FILE]

FOLDER holds `an4` and `speech_commands`, as the tests' does. The exit code is 1 where anything differs in an honest
run, or nothing in a falsified one.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fedasr.experiment.finding import find_experiment, shipped_experiments

AN4, COMMANDS = "an4", "speech_commands"
DATA = {
    "an4": AN4, "an4_centralised": AN4, "an4_transducer": AN4, "million_hours_an4": AN4,
    "clipping_an4": AN4, "adamix_an4": AN4, "commands": COMMANDS, "pate_commands": COMMANDS,
}  # fmt: skip
SMALL = {
    "start.epochs": 1, "central.epochs": 2, "training.local_steps": 1, "model.units": 16, "model.layers": 1,
    "corpus.development_speakers": 2, "corpus.test_speakers": 3, "work.utterances": 0,
}  # fmt: skip
SMALLER: Mapping[str, Mapping[str, Any]] = {
    "quickstart": {"corpus.speakers": 20, "corpus.utterances_per_speaker": 4},
    "bmuf_vs_gtc": {"corpus.speakers": 30, "corpus.utterances_per_speaker": 4, "corpus.silos": 6},
    "pate_vs_dpsgd": {
        "corpus.speakers": 70, "corpus.utterances_per_speaker": 3, "corpus.silos": 20, "corpus.public_speakers": 6,
    },
    "pate_curves": {
        "corpus.speakers": 70, "corpus.utterances_per_speaker": 3, "corpus.silos": 20, "corpus.public_speakers": 6,
    },
    "server_optimizers": {"corpus.speakers": 20, "corpus.utterances_per_speaker": 4},
    "server_optimizers_grouped": {"corpus.speakers": 30, "corpus.utterances_per_speaker": 4, "corpus.silos": 6},
    "million_hours": {"corpus.speakers": 20, "corpus.utterances_per_speaker": 4, "corpus.silos": 4},
    "an4": {"corpus.silos": 8}, "an4_centralised": {"corpus.silos": 8}, "million_hours_an4": {"corpus.silos": 8},
    "an4_transducer": {"corpus.silos": 8, "model.predictor_units": 16},
    "clipping": {
        "corpus.speakers": 40, "corpus.utterances_per_speaker": 8, "corpus.silos": 6, "corpus.public_speakers": 4,
    },
    "clipping_an4": {"corpus.silos": 8, "training.silos_per_round": 0},
    "adamix": {
        "corpus.speakers": 30, "corpus.utterances_per_speaker": 4, "corpus.silos": 12, "corpus.unlabelled_speakers": 4,
    },
    "adamix_silos": {
        "corpus.speakers": 30, "corpus.utterances_per_speaker": 4, "corpus.silos": 12, "corpus.unlabelled_speakers": 4,
    },
    "adamix_an4": {"corpus.silos": 8, "corpus.unlabelled_speakers": 2},
    "adamix_scratch": {
        "corpus.speakers": 30, "corpus.utterances_per_speaker": 4, "corpus.silos": 12, "corpus.unlabelled_speakers": 4,
    },
    "commands": {"corpus.silos": 8}, "pate_commands": {"corpus.silos": 20, "corpus.unlabelled_speakers": 3},
}  # fmt: skip
ROUNDS = 2
FALSIFIED = ("quickstart", "pate_vs_dpsgd")
DRAWS = {"million_hours_an4": (1, 2)}
"""Run as several draws of the speakers."""


def settings(experiment: str) -> dict[str, Any]:
    """Return what cuts an experiment small, by dotted keys."""
    table = tomllib.loads(find_experiment(experiment).read_text(encoding="utf-8"))
    found = {**SMALL, "training.rounds": ROUNDS, **SMALLER[experiment]}
    if table.get("scored") == "best":
        found["training.evaluate_every"] = 1
    for row in table["compare"]:
        found |= {f"compare.{row['name']}.{key}": value for key, value in _of_row(row)}
    return found | {
        f"roles.{role}.{key}": SMALL[f"model.{key}"] for role in table.get("roles", {}) for key in ("units", "layers")
    }


def _of_row(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    training = row.get("training", {})
    yield from (
        (f"training.{key}", value) for key, value in (("rounds", ROUNDS), ("local_steps", 1)) if key in training
    )
    if "epochs" in row.get("options", {}):
        yield "options.epochs", 2
    if row["strategy"] == "bmuf":
        yield "options.block_momentum", 0.5  # the default asks for more blocks than a small run has
    if row.get("protection") in ("dp-sgd", "adamix"):
        yield from (("protection_options.steps", 6), ("protection_options.batch_size", 8))


def run(experiment: str, data: Path, out: Path, seeds: Sequence[int] = ()) -> None:
    """Run an experiment, cut small."""
    line = [sys.executable, "-m", "fedasr.simulate", experiment, "--out", str(out), "--grid", "process", "--json"]
    line += [word for key, value in settings(experiment).items() for word in ("--set", f"{key}={json.dumps(value)}")]
    line += [word for draw in DRAWS.get(experiment, ()) for word in ("--draw", str(draw))]
    line += [word for seed in seeds for word in ("--seed", str(seed))]
    line += ["--data", str(data / DATA[experiment])] if experiment in DATA else []
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def verified(folder: Path) -> dict[str, Any]:
    """Return what ``python -m fedasr.verify`` says of a run, and how long it took."""
    begun = time.monotonic()
    line = [sys.executable, "-m", "fedasr.verify", str(folder), "--json"]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return {**json.loads(done.stdout), "exit_code": done.returncode, "seconds": round(time.monotonic() - begun, 1)}


def shipped(data: Path, only: list[str], keep: Path) -> list[dict[str, Any]]:
    """Run and verify experiments; a run that lies there already is not made again."""
    lines = []
    for experiment in only or sorted(shipped_experiments()):
        if not (keep / experiment / "report.html").exists():
            run(experiment, data, keep / experiment)
        found = verified(keep / experiment)
        figures = sum(count for count, _ in found["checks"].values())
        lines.append({
            "experiment": experiment, "rows": found["rows"], "figures": figures, "differences": found["differences"],
            "not_told": len(found["not_told"]), "seconds": found["seconds"],
        })  # fmt: skip
        print(f"| `{experiment}` | {found['rows']} | {figures:,} | {len(found['differences'])} | {found['seconds']} |")
        for difference in found["differences"]:
            print(f"    {difference['line']}", file=sys.stderr)
    return lines


def falsified(runs: int, data: Path, keep: Path) -> list[dict[str, Any]]:
    """Falsify copies of two runs of two seeds, one thing in each, and say which checks find it."""
    from falsehoods import FALSEHOODS

    from fedasr.verification.verdict import verify

    bases = [keep / f"{experiment}-2-seeds" for experiment in FALSIFIED]
    for experiment, base in zip(FALSIFIED, bases, strict=True):
        if not (base / "report.html").exists():
            run(experiment, data, base, seeds=(1, 2))
        if wrong := verify(base).wrong:
            raise SystemExit(f"{base} differs before anything is falsified: {wrong[0].line()}")
    told = {is_remade: [one for one in FALSEHOODS if one.is_remade == is_remade] for is_remade in (False, True)}
    lines = []
    for number in range(runs):
        choice = told[number % 2 == 1]
        falsehood, base = choice[number // 2 % len(choice)], bases[number // 2 // len(choice) % len(bases)]
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(base, Path(folder) / "run"))
            what = falsehood.tell(copy, random.Random(number))
            wrong = verify(copy).wrong
        lines.append({
            "number": number, "of": falsehood.of, "made_anew": falsehood.is_remade, "what": what,
            "differences": len(wrong), "checks": sorted({found.check for found in wrong}),
            "first": wrong[0].line() if wrong else None,
        })  # fmt: skip
        if not wrong:
            print(f"not found: {lines[-1]}", file=sys.stderr)
    return lines


def tabulated(lines: Sequence[Mapping[str, Any]]) -> None:
    """Print how many of each kind were found, and by which checks."""
    for of, is_remade in sorted({(line["of"], line["made_anew"]) for line in lines}):
        some = [line for line in lines if (line["of"], line["made_anew"]) == (of, is_remade)]
        found = sum(bool(line["differences"]) for line in some)
        checks = sorted({check for line in some for check in line["checks"]})
        print(f"| {of} | {'yes' if is_remade else 'no'} | {found} of {len(some)} | {', '.join(checks)} |")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("shipped", "falsified"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    with tempfile.TemporaryDirectory() as folder:
        keep = arguments.keep or Path(folder)
        is_honest = arguments.what == "shipped"
        lines = shipped(data, arguments.only, keep) if is_honest else falsified(arguments.runs, data, keep)
    if not is_honest:
        tabulated(lines)
    if arguments.json:
        arguments.json.write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(any(bool(line["differences"]) == is_honest for line in lines))


if __name__ == "__main__":
    sys.exit(main())
