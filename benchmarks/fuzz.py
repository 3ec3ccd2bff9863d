"""Damage to files of a run, and what is made of it: ``python benchmarks/fuzz.py --seed 1 --count 100``.

A run of two silos is copied, once as it finished and once as it was stopped on its way, with its corpus, its cache of
features and a model apart. Each trial damages one file (truncate, flip a bit, swap with another, delete, fill), then
resumes, evaluates, renders or replays. What comes of it must be what comes of the undamaged, or be told in a line that
names a file. A traceback, a hang, or another result without a word is a failure: it is printed with its number, by
which ``--only`` repeats it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

SECONDS = 120
"""A trial that takes longer hangs."""
TABLE: dict[str, Any] = {
    "name": "fuzzed", "seed": 5,
    "corpus": {"kind": "manifest", "public_speakers": 1, "development_speakers": 1, "test_speakers": 2, "held_out": 0},
    "model": {"encoder": "lstm", "layers": 1, "units": 4, "mels": 8, "dropout": 0.1},
    "start": {"epochs": 1, "batch_size": 4},
    "training": {"rounds": 1, "local_steps": 1, "batch_size": 2, "learning_rate": 0.05},
    "compare": [
        {"name": "fedavg", "strategy": "fedavgm", "options": {"momentum": 0.5}},
        {
            "name": "gtc", "strategy": "gtc", "options": {"density": 0.05},
            "training": {"rounds": 2, "momentum": 0.5},
        },
        {"name": "dp", "strategy": "dp-fedavg", "options": {"epsilon": 8.0}, "training": {"rounds": 2}},
    ],
}  # fmt: skip
DURATIONS = ("wall_seconds", "training_cpu_seconds", "simulated_seconds", "peak_memory_bytes", "version")


@dataclass(frozen=True)
class Damage:
    """What is done to a file."""

    kind: str
    path: Path
    told: str


def truncate(path: Path, others: list[Path], dice: random.Random) -> str:
    size = path.stat().st_size
    kept = dice.randrange(size) if size else 0
    path.write_bytes(path.read_bytes()[:kept])
    return f"to {kept} of {size} bytes"


def flip(path: Path, others: list[Path], dice: random.Random) -> str:
    content = bytearray(path.read_bytes() or b"\0")
    place, bit = dice.randrange(len(content)), dice.randrange(8)
    content[place] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {place} of {len(content)}"


def swap(path: Path, others: list[Path], dice: random.Random) -> str:
    other = dice.choice([one for one in others if one.suffix == path.suffix and one != path] or others)
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)
    return f"with {other}"


def delete(path: Path, others: list[Path], dice: random.Random) -> str:
    path.unlink()
    return ""


def fill(path: Path, others: list[Path], dice: random.Random) -> str:
    content = bytearray(path.read_bytes() or b"\0")
    begin = dice.randrange(len(content))
    end = dice.randrange(begin, len(content)) + 1
    content[begin:end] = dice.choice((b"\0", b"\xff", b" ", b"9")) * (end - begin)
    path.write_bytes(content)
    return f"bytes {begin} to {end} of {len(content)}"


DAMAGES: dict[str, Callable[[Path, list[Path], random.Random], str]] = {
    "truncate": truncate, "flip": flip, "swap": swap, "delete": delete, "fill": fill,
}  # fmt: skip


def write_corpus(folder: Path) -> None:
    """Write noise of six speakers, three utterances each."""
    folder.mkdir(parents=True)
    dice, lines = np.random.default_rng(0), []
    for number in range(18):
        name = f"{number}.wav"
        soundfile.write(folder / name, dice.standard_normal(6000) * 0.1, 16_000)
        text = " ".join(dice.choice(["one", "two", "three"], 2))
        lines.append({"audio_filepath": name, "duration": 0.375, "text": text, "speaker": f"s{number // 3}"})
        os.utime(folder / name, (10**9, 10**9))
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


class Bench:
    """Copies of two runs, and what is done with them.

    Parameters
    ----------
    root : Path
        An empty folder.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.place = root, root / "place"
        os.environ["FEDASR_CACHE"] = str(self.place / "cache")
        write_corpus(self.place / "corpus")
        self._make("stopped", stops=True)
        self._make("finished", stops=False)
        undamaged = {(state, act): self.outcome(state, act, None) for state, act in self.acts()}
        self.expected = {key: found for key, (_, found) in undamaged.items()}
        self.usual = {key: frozenset(told) for key, (told, _) in undamaged.items()}

    def acts(self) -> Iterator[tuple[str, str]]:
        """Yield what can be done with which run."""
        yield "stopped", "resume"
        for act in ("resume", "evaluate", "evaluate apart", "report", "replay"):
            yield "finished", act

    def _make(self, state: str, stops: bool) -> None:
        import fedasr
        from fedasr.engine.watchers.watcher import Watcher
        from fedasr.experiment.experiment import Experiment
        from fedasr.server.progress import Progress

        class Stopping(Watcher):
            def round(self, progress: Progress) -> None:
                if stops and (progress.row, progress.round) == ("dp", 2):
                    raise KeyboardInterrupt

        table = {**TABLE, "corpus": {**TABLE["corpus"], "path": str(self.place / "corpus")}}
        folder = self.place / "run"
        shutil.rmtree(folder, ignore_errors=True)
        with every_round_saved():
            try:
                fedasr.run(Experiment.from_table(table), out=folder, grid="process", watcher=Stopping())
            except KeyboardInterrupt:
                assert stops
        (self.place / "model").mkdir(exist_ok=True)
        if not stops:
            shutil.copy(folder / "fedavg" / "model.safetensors", self.place / "model")
        shutil.copytree(self.place, self.root / state)

    def restore(self, state: str) -> list[Path]:
        """Put everything back; return the files that may be damaged."""
        from fedasr.corpora.features.opened import forget_opened

        shutil.rmtree(self.place)
        shutil.copytree(self.root / state, self.place)
        forget_opened()
        files = sorted(path for path in self.place.rglob("*") if path.is_file() and path.stat().st_size)
        return [path for path in files if path.name not in (".lock", "report.html")]

    def outcome(self, state: str, act: str, damage: Callable[[list[Path]], Damage] | None) -> tuple[list[str], Any]:
        """Do something with a damaged copy; return what was said, and the result where there is one."""
        files = self.restore(state)
        told: list[str] = []
        if act == "evaluate apart":  # of speech that anybody may bring nobody knows what it was
            files = [path for path in files if "corpus" not in path.parts]
        done = damage(files) if damage else None
        with listening(told):
            found = self._act(act, told)
        return ([f"{done.kind} {done.path.relative_to(self.place)} {done.told}"] if done else []) + told, found

    def _act(self, act: str, told: list[str]) -> Any:
        from fedasr.common.errors import RowError, UserError

        try:
            return getattr(self, act.replace(" ", "_"))(told)
        except (UserError, RowError) as error:
            told += str(error).splitlines()
            return None

    def resume(self, told: list[str]) -> Any:
        import fedasr
        from fedasr.engine.request import requested

        folder = self.place / "run"
        rows = fedasr.run(requested(None, None, [], [], [], folder), resume=folder, grid="process").rows
        told += [row["failure"] for row in rows if row["failure"]]
        return {"rows": plain(rows), "report": self.report(told)}

    def evaluate(self, told: list[str]) -> Any:
        import fedasr

        return [fedasr.evaluate(self.place / "run" / name) for name in ("gtc", "dp")]

    def evaluate_apart(self, told: list[str]) -> Any:
        import fedasr

        models = (self.place / "model" / "model.safetensors", self.place / "run" / "fedavg")
        return [fedasr.evaluate(model, self.place / "corpus" / "manifest.jsonl") for model in models]

    def report(self, told: list[str]) -> Any:
        from fedasr.report import read_run

        found = read_run(self.place / "run")
        told += found.remarks
        return plain({**asdict(found), "remarks": ()})

    def replay(self, told: list[str]) -> Any:
        from fedasr.network.presets import build_network
        from fedasr.runs.replayed.retiming import Scenario, replay

        return plain(asdict(replay(self.place / "run", Scenario(build_network("cloud-2015"), (2, 4)))))


def plain(data: Any) -> Any:
    """Return data without what the clock and the machine have a part in."""
    if isinstance(data, dict):
        return {str(key): plain(value) for key, value in data.items() if key not in DURATIONS}
    return [plain(value) for value in data] if isinstance(data, (list, tuple)) else data


@contextmanager
def every_round_saved() -> Iterator[None]:
    """Save every round, however little time that leaves for training."""
    from fedasr.server.central import Central

    real = Central._save

    def save(self: Central, round: int, state: Any) -> None:
        self._clock["saved"] = 0.0
        real(self, round, state)

    Central._save = save  # type: ignore[method-assign]
    try:
        yield
    finally:
        Central._save = real  # type: ignore[method-assign]


@contextmanager
def listening(told: list[str]) -> Iterator[None]:
    """Take down what the log says, and let nothing take longer than it may."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    def late(number: int, frame: Any) -> None:
        raise TimeoutError(f"took longer than {SECONDS} s")

    log, listener = logging.getLogger("fedasr"), Listener(logging.WARNING)
    log.addHandler(listener)
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        log.removeHandler(listener)


def pages_left_out() -> None:
    """Let runs write no page: what it is made of is read all the same."""
    import fedasr.report

    fedasr.report.write_page = lambda folder, release=False: folder  # type: ignore[assignment]


def trial(bench: Bench, seed: int, number: int) -> tuple[str, list[str]]:
    """Return what came of one damage, ``"same"``, ``"told"`` or a failure, and what was said."""
    dice = random.Random(f"{seed} {number}")
    state, act = dice.choice(list(bench.acts()))
    kind = dice.choice(list(DAMAGES))

    def damage(files: list[Path]) -> Damage:
        rooms = sorted({path.relative_to(bench.place).parts[0] for path in files})
        room = dice.choice([*rooms, "run", "run"])  # most of what is read lies there
        path = dice.choice([path for path in files if path.relative_to(bench.place).parts[0] == room])
        return Damage(kind, path, DAMAGES[kind](path, [one for one in files if one != path], dice))

    damaged: list[Damage] = []

    def noted(files: list[Path]) -> Damage:
        damaged.append(damage(files))
        return damaged[0]

    try:
        (what, *told), found = bench.outcome(state, act, noted)
    except Exception:
        one = damaged[0]
        return "traceback", [f"{one.kind} {one.path} {one.told}", f"{state} {act}", traceback.format_exc()]
    said = [line for line in told if line not in bench.usual[state, act]]
    if found == bench.expected[state, act]:
        return "same", [what, f"{state} {act}", *said]
    if said:
        return "told", [what, f"{state} {act}", *said]
    return "silently another result", [what, f"{state} {act}", *differences(bench.expected[state, act], found)]


def differences(known: Any, found: Any, place: str = "") -> list[str]:
    """Return in what a result differs from the one that should have come, the first few."""
    if isinstance(known, dict) and isinstance(found, dict):
        pairs = [(key, known.get(key), found.get(key)) for key in (known | found)]
    elif isinstance(known, list) and isinstance(found, list) and len(known) == len(found):
        pairs = [(str(number), *pair) for number, pair in enumerate(zip(known, found, strict=True))]
    else:
        return [f"{place}: {str(known)[:80]} and {str(found)[:80]}"] if known != found else []
    return [line for key, one, other in pairs for line in differences(one, other, f"{place}.{key}")][:6]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--only", type=int)
    parser.add_argument("--seconds", type=float, default=1e9, help="Begin no trial after so long.")
    arguments = parser.parse_args()
    pages_left_out()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as root:
        bench = Bench(Path(root))
        numbers = range(arguments.first, arguments.first + arguments.count)
        counts: Counter[str] = Counter()
        begun = time.monotonic()
        try:
            for number in [arguments.only] if arguments.only is not None else numbers:
                if time.monotonic() - begun > arguments.seconds:
                    break
                came, told = trial(bench, arguments.seed, number)
                counts[came] += 1
                if came not in ("same", "told") or arguments.only is not None:
                    print(f"{number}: {came}", *told, sep="\n  ", flush=True)
        finally:
            following = arguments.first + counts.total()
            print(
                json.dumps({"seed": arguments.seed, "first": arguments.first, "next": following, **counts}), flush=True
            )


if __name__ == "__main__":
    main()
