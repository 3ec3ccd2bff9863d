"""The weights of every shipped experiment, cut small: what a change that should alter no number must leave alone.

    python benchmarks/shipped.py [--data FOLDER] > before.json
    python benchmarks/shipped.py [--data FOLDER] --kill > after.json

Prints one ``model_sha256`` a row. With ``--kill`` each run is killed once in the middle, by SIGKILL to all its
processes, and resumed on the other grid. Noise behind guarantees comes from the seed here: otherwise no bit repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATA = {
    "an4": "an4",
    "an4_centralised": "an4",
    "an4_transducer": "an4",
    "commands": "speech_commands",
    "pate_commands": "speech_commands",
}
SMALL = (
    "start.epochs=1", "central.epochs=2", "training.rounds=3", "training.local_steps=1", "model.units=16",
    "model.layers=1", "corpus.development_speakers=2", "corpus.test_speakers=2", "reproducible_noise=true",
    "work.utterances=0",
)  # fmt: skip
SMALLER = {
    "quickstart": ("corpus.speakers=20", "corpus.utterances_per_speaker=4"),
    "bmuf_vs_gtc": ("corpus.speakers=30", "corpus.utterances_per_speaker=4", "corpus.silos=6"),
    "pate_vs_dpsgd": ("corpus.speakers=70", "corpus.utterances_per_speaker=3", "corpus.silos=20",
                      "corpus.public_speakers=6"),
    "pate_curves": ("corpus.speakers=70", "corpus.utterances_per_speaker=3", "corpus.silos=20",
                    "corpus.public_speakers=6"),
    "an4": ("corpus.silos=8",),
    "an4_centralised": ("corpus.silos=8",),
    "an4_transducer": ("corpus.silos=8", "model.predictor_units=16"),
    "commands": ("corpus.silos=8",),
    "pate_commands": ("corpus.silos=20", "corpus.unlabelled_speakers=3"),
}  # fmt: skip
ROWS = {"rounds": 3, "local_steps": 1}
"""What a row's own settings of training are cut to."""


def command(experiment: str, data: Path, out: Path, grid: str) -> list[str]:
    """Return the command that runs a shipped experiment, cut small."""
    table = cut(experiment)
    settings = [word for text in (*SMALL, *SMALLER[experiment], *table) for word in ("--set", text)]
    where = ["--data", str(data / DATA[experiment])] if experiment in DATA else []
    line = [sys.executable, "-m", "fedasr.simulate", experiment, "--out", str(out), "--grid", grid, "--json"]
    return [*line, *settings, *where]


def cut(experiment: str) -> list[str]:
    """Return the settings that cut each row's own rounds and steps."""
    import tomllib

    import fedasr.simulations

    file = Path(next(iter(fedasr.simulations.__path__))) / f"{experiment}.toml"
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["compare"]
    settings = [
        f"compare.{row['name']}.training.{key}={value}"
        for row in rows for key, value in ROWS.items() if key in row.get("training", {})
    ]  # fmt: skip
    private = [row["name"] for row in rows if row.get("protection") == "dp-sgd"]
    return settings + [
        f"compare.{row}.protection_options.{cut}" for row in private for cut in ("steps=6", "batch_size=8")
    ]


def run(line: list[str]) -> dict:
    """Return the summary of a run."""
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def run_killed(line: list[str], out: Path) -> dict:
    """Kill a run once a second of its rows has begun to log, resume it on the other grid, return its summary."""
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and len(list(out.glob("*/metrics.jsonl"))) < 3:
        time.sleep(0.01)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    other = "ray" if "process" in line else "process"
    return run([*line[:3], "--resume", str(out), "--json", "--grid", other])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--only", action="append")
    arguments = parser.parse_args()
    digests: dict[str, str | None] = {}
    for experiment in arguments.only or SMALLER:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            line = command(experiment, arguments.data.resolve(), out, "process")
            summary = run_killed(line, out) if arguments.kill else run(line)
        digests |= {f"{experiment}/{row['name']}": row["model_sha256"] or row["failure"] for row in summary["rows"]}
        print(experiment, file=sys.stderr)
    print(json.dumps(digests, indent=1))


if __name__ == "__main__":
    main()
