"""What is done with a run by the commands themselves, each a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from damage.acts import NETWORK, SECONDS, WORKERS, plain, report

COMMANDS: dict[str, tuple[str, ...]] = {
    "resume": ("simulate --resume {}/run --grid process",),
    "evaluate": ("evaluate {}/run/gtc --json", "evaluate {}/run/dp --json"),
    "evaluate apart": (
        "evaluate {}/model/model.safetensors {}/corpus/manifest.jsonl --json",
        "evaluate {}/run/fedavg {}/corpus/manifest.jsonl --json",
    ),
    "report": ("report {}/run",),
    "replay": (f"replay {{}}/run --network {NETWORK} --workers {','.join(map(str, WORKERS))} --json",),
}
EXITS = (0, 1, 2)


class CommandError(Exception):
    """A command ended as none may: the word for it, and what was said."""

    def __init__(self, came: str, *told: str) -> None:
        super().__init__(came, *told)
        self.came, self.told = came, told


def by_commands(place: Path, act: str, told: list[str]) -> Any:
    """Do it; return what the commands printed or left, None where one refuses, and add the lines that name a file.

    Raises
    ------
    CommandError
        Where one hangs, ends in a traceback or with an exit code of its own, refuses without a line that names a file,
        or takes away files while it refuses.
    """
    printed = []
    for line in COMMANDS[act]:
        code, output = run(place, line.replace("{}", str(place)).split(), told)
        if code == 2:
            return None
        printed.append(output)
    if act == "resume":
        return resumed(place, told)
    if act == "report":
        page = (place / "run" / "report.html").read_text()
        told += re.findall(r">([^<>]*: corrupt[^<>]*)<", page)  # a figure that could not be drawn says why in its place
        return {"page": page, "report": report(place, told)}
    return [plain(json.loads(text)) for text in printed] if all(printed) else None


def run(place: Path, words: list[str], told: list[str]) -> tuple[int, str]:
    """Return the exit code and the output of a command that ended as it may."""
    before = files_of(place)
    command = [sys.executable, "-m", f"fedasr.{words[0]}", *words[1:]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise CommandError("hang", " ".join(words)) from None
    lines = done.stderr.splitlines()
    naming = [line for line in lines if any(name in line for name in names(before, place))]
    told += naming
    if "Traceback" in done.stderr:
        raise CommandError("traceback", " ".join(words), *lines)
    if done.returncode not in EXITS:
        raise CommandError(f"exit code {done.returncode}", " ".join(words), *lines)
    if done.returncode and not naming:
        raise CommandError("no file named", " ".join(words), *lines)
    if done.returncode == 2 and (lost := before - files_of(place)):
        raise CommandError("files lost", " ".join(words), *map(str, sorted(lost)), *lines)
    return done.returncode, done.stdout


def resumed(place: Path, told: list[str]) -> Any:
    """Return what a run left: the rows of its summary, what its page is made of, its models."""
    folder = place / "run"
    rows = json.loads((folder / "summary.json").read_text())["rows"]
    models = {path.parent.name: sha256(path.read_bytes()).hexdigest() for path in folder.glob("*/model.safetensors")}
    return {"rows": plain(rows), "report": report(place, told), "models": models}


def files_of(place: Path) -> set[Path]:
    return {path for path in place.rglob("*") if path.is_file()}


def names(files: set[Path], place: Path) -> set[str]:
    """Return by what a line names a file: its own name, or a path that leads there."""
    return {path.name for path in files if path.suffix} | {str(place)}
