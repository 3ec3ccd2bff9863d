"""Make fresh environments at the ends of the ranges of pyproject.toml, run tests in each, and print what passed.

python benchmarks/environments.py                                  # the whole suite and a whole run, in all three
python benchmarks/environments.py --only lowest --tests tests/wire tests/asr
python benchmarks/environments.py --list beside-torch --extras synth > others.txt    # for pip install -r others.txt

lowest         every package of the ranges at its lowest version
newest         every package at the newest version that pip finds for the ranges
beside-torch   the newest torch, whatever the ranges say, and no torchaudio
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PAIR = ("torch", "torchaudio")
SHOWN = (*PAIR, "flwr", "ray", "typer", "numpy", "scipy")
ENVIRONMENTS = ("lowest", "newest", "beside-torch")
RUN = ("-m", "fedasr.simulate", "--strategy", "fedavg", "--set", "training.rounds=2", "--set", "start.epochs=1")


@dataclass(frozen=True)
class Outcome:
    """What an environment gave.

    Attributes
    ----------
    name : str
    versions : dict
        Of the packages that are shown; those that are not there are left out.
    counts : dict
        Tests passed, failed, skipped and with errors.
    run : str
        How the whole run ended: ``"finished"``, or its exit code.
    seconds : float
        Of the tests and the run, without the installation.
    failed : list of str
        The tests that failed.
    """

    name: str
    versions: dict[str, str]
    counts: dict[str, int]
    run: str
    seconds: float
    failed: list[str] = field(default_factory=list)


def requirements(extras: Sequence[str]) -> dict[str, str]:
    """Return what pyproject.toml asks for, with some of its extras: the ranges by the names of packages."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, str] = {}
    lines = [*project["dependencies"], f"{project['name']}[{','.join(extras)}]"]
    for line in lines:  # it grows: an extra may ask for others
        name, inner, ends = re.fullmatch(r"([\w-]+)(?:\[([\w,]*)\])?(.*)", line).groups()
        if name == project["name"]:
            wanted = filter(None, inner.split(","))
            lines += [line for extra in wanted for line in project["optional-dependencies"][extra]]
        else:
            found[name] = ends
    return found


def to_install(name: str, torch: str, extras: Sequence[str]) -> list[str]:
    """Return what pip is asked for in an environment, beside the checkout itself without its dependencies."""
    asked = requirements(extras)
    if name == "lowest":
        return [re.sub(r">=([\w.]+).*", r"==\1", package + ends) for package, ends in asked.items()]
    if name == "newest":
        return [package + ends for package, ends in asked.items()]
    return [torch, *(package + ends for package, ends in asked.items() if package not in PAIR)]


def make(folder: Path, asked: Sequence[str]) -> Path:
    """Make the environment and return its Python."""
    venv.create(folder, with_pip=True, clear=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-cache-dir"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    subprocess.run([*pip, *asked], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", str(CHECKOUT)], check=True)
    return python


def versions(python: Path) -> dict[str, str]:
    """Return the versions of the packages that are shown."""
    listed = subprocess.run([python, "-m", "pip", "list", "--format", "json"], capture_output=True, check=True).stdout
    found = {line["name"].lower(): line["version"] for line in json.loads(listed)}
    return {"python": sys.version.split()[0]} | {name: found[name] for name in SHOWN if name in found}


def tried(name: str, python: Path, tests: Sequence[str], log: Path) -> Outcome:
    """Run the tests and one whole run; what they print stands in the log."""
    start, clean = time.monotonic(), {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with log.open("w", encoding="utf-8") as out:
        words = [python, "-m", "pytest", "-p", "no:cacheprovider", *tests]
        subprocess.run(words, cwd=CHECKOUT, env=clean, stdout=out, stderr=subprocess.STDOUT, check=False)
        run = subprocess.run(
            [python, *RUN, "--out", log.with_suffix(".run")], cwd=CHECKOUT, env=clean,
            stdout=out, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    said = log.read_text(encoding="utf-8")
    ended = "finished" if run.returncode == 0 else f"exit {run.returncode}"
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    return Outcome(name, versions(python), counts(said), ended, round(time.monotonic() - start, 1), failed)


def counts(said: str) -> dict[str, int]:
    """Return how many tests passed, failed, were skipped or had errors, by pytest's last line."""
    lines = [line for line in said.splitlines() if re.search(r"\d+ (passed|failed|error)", line)]
    found = re.findall(r"(\d+) (passed|failed|skipped|error)", lines[-1]) if lines else []
    return {word: int(number) for number, word in found}


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as a table of Markdown."""
    heads = ("environment", "python", *SHOWN, "passed", "failed", "skipped", "a run", "seconds")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for one in outcomes:
        versions = [one.versions.get(name, "–") for name in ("python", *SHOWN)]
        failed = one.counts.get("failed", 0) + one.counts.get("error", 0)
        tests = [one.counts.get("passed", 0), failed, one.counts.get("skipped", 0)]
        lines.append("| " + " | ".join(map(str, [one.name, *versions, *tests, one.run, one.seconds])) + " |")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=ENVIRONMENTS, action="append", help="one of them; more than once for two")
    parser.add_argument("--tests", nargs="*", default=[], help="files or folders of tests; all without it")
    parser.add_argument("--torch", default="torch", help="which torch is beside fedasr, such as torch==2.13.0")
    parser.add_argument("--extras", nargs="*", default=["test"], help="extras that are installed")
    parser.add_argument("--folder", type=Path, default=Path("environments"), help="where environments and logs lie")
    parser.add_argument("--keep", action="store_true", help="leave the environments, of gigabytes each")
    parser.add_argument("--list", choices=ENVIRONMENTS, help="print what pip is asked for, and do nothing")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    if given.list:
        print(*to_install(given.list, given.torch, given.extras), sep="\n")
        return 0
    outcomes = []
    for name in given.only or ENVIRONMENTS:
        place = given.folder.resolve() / name
        place.parent.mkdir(parents=True, exist_ok=True)
        python = make(place, to_install(name, given.torch, given.extras))
        outcomes.append(tried(name, python, given.tests, place.with_suffix(".log")))
        print(json.dumps(asdict(outcomes[-1])), flush=True)
        if not given.keep:
            shutil.rmtree(place)
    print(table(outcomes))
    return int(any(one.failed or one.run != "finished" for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
