"""A reader who does what the documents say, in a folder of its own, with tiny models and few rounds."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile
import typer
from typer.testing import CliRunner

from fedasr.common.settings import to_table
from fedasr.corpora.synthetic import synthetic_corpus
from fedasr.evaluate import app as evaluate
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.network import build_network
from fedasr.privacy.__main__ import app as privacy
from fedasr.replay import app as replay
from fedasr.report.__main__ import app as report
from fedasr.simulate import app as simulate
from fedasr.transcribe import app as transcribe
from fedasr.verify import app as verify
from support.documents import Block
from support.forms import write_page_corpora
from support.tree import CHECKOUT

APPS = {
    "simulate": simulate, "evaluate": evaluate, "transcribe": transcribe, "replay": replay, "privacy": privacy,
    "verify": verify, "report": report,
}  # fmt: skip

NOT_HERE = {
    "python -m venv": "an environment of its own: CI makes one",
    "pip install": "reads a package index",
    "pre-commit": "needs the package index too",
    "ruff": "tests/house/test_linters.py",
    "mypy": "tests/house/test_linters.py",
    "pytest": "would run itself",
    "mutmut": "takes hours",
    "python -m fedasr.engine.reference": "writes into the checkout; a test compares what it would write",
    "python benchmarks/": "takes minutes and an idle machine",
    "flwr": "tests/system/test_flower_run.py",
    "flower-superlink": "stays running",
    "flower-supernode": "stays running",
    "ray": "needs machines: tests/system/test_cluster.py",
    "export": "for commands that do not run here",
}
"""Commands that are not run, by their beginning, and why."""

SMALL = {
    "corpus.speakers": 20, "corpus.utterances_per_speaker": 3, "corpus.silos": 4, "corpus.public_speakers": 2,
    "corpus.development_speakers": 1, "corpus.test_speakers": 2, "corpus.unlabelled_speakers": 1,
    "model.layers": 1, "model.units": 16, "model.mels": 16, "start.epochs": 1, "start.batch_size": 4,
    "central.epochs": 1, "central.batch_size": 4, "training.rounds": 2, "training.local_steps": 1,
    "training.batch_size": 2,
}  # fmt: skip
SMALL_OPTIONS = {"rounds": 2, "local_steps": 1, "batch_size": 4, "steps": 2, "teacher_steps": 1, "blocks": 2}


def small(experiment: Experiment | str | Path) -> Experiment:
    """Return an experiment with the same rows, nowhere larger than `SMALL`, with one seed."""
    table = to_table(experiment if isinstance(experiment, Experiment) else Experiment.load(experiment))
    table.pop("work", None)  # it would give the rows more rounds
    for key, most in SMALL.items():
        part, _, name = key.partition(".")
        table[part][name] = min(table[part][name], most)
    for row in table["compare"]:
        if row["strategy"] == "bmuf":  # so few rounds leave no room for any
            row["options"].setdefault("block_momentum", 0.5)
        for part in ("training", "options", "protection_options"):
            row[part] = {key: min(value, SMALL_OPTIONS.get(key, value)) for key, value in row[part].items()}
    return Experiment.from_table({**table, "seeds": table["seeds"][:1]})


@dataclass
class Reader:
    """Follows the blocks of a page; what was done once is not done again."""

    place: Path
    done: set[str] = field(default_factory=set)
    names: dict[str, Any] = field(default_factory=dict)
    rows: list[RowSpec] = field(default_factory=list)

    def fresh(self, experiment: Experiment) -> Experiment:
        """Return an experiment without the rows that were run before, but for `fedavg`, whose model is used."""
        fresh = [row for row in experiment.compare if row not in self.rows or row.name == "fedavg"]
        self.rows += fresh
        return experiment.only(compare=tuple(fresh or experiment.compare[:1]))

    def prepare(self) -> None:
        """Put into the folder what the documents take a reader to have: speech, votes, the checkout's files."""
        speech = self.place / "speech"
        speech.mkdir()
        lines = []
        for number, heard in enumerate(
            synthetic_corpus(speakers=9, utterances_per_speaker=3, grammar="digits", seed=3)
        ):
            samples = heard.audio.read(16_000)
            soundfile.write(speech / f"{number}.wav", samples, 16_000)
            told = {"text": heard.text, "speaker": heard.speaker, "duration": len(samples) / 16_000}
            lines.append({"audio_filepath": f"{number}.wav", **told})
        (speech / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
        write_page_corpora(speech, self.place)
        for name in ("PATH_TO_AN4", "DATA", "FOLDER", "other"):
            (self.place / name).symlink_to(speech)
        table = [{**line, "audio_filepath": f"speech/{line['audio_filepath']}"} for line in lines]
        others = [{**line, "speaker": f"other {line['speaker']}"} for line in table]
        for name, told in (("MANIFEST.jsonl", table), ("TEST_MANIFEST.jsonl", others)):
            (self.place / name).write_text("\n".join(map(json.dumps, told)))
        (self.place / "sentences.txt").write_text("turn the lights off\nopen the door\n")
        soundfile.write(self.place / "a.wav", *soundfile.read(speech / "0.wav"))
        soundfile.write(self.place / "b.flac", *soundfile.read(speech / "1.wav"))
        (self.place / "simulations").symlink_to(CHECKOUT / "simulations")
        shutil.copy(CHECKOUT / "simulations/quickstart.toml", self.place / "my.toml")

    def follow(self, block: Block) -> None:
        """Do what a block says, in the folder that one stands in."""
        try:
            if block.language in ("shell", "bash", "sh"):
                for words in block.commands():
                    self.once(shlex.join(words), lambda words=words: self.run(words))
            elif block.language != "text":
                self.once(block.text, lambda: getattr(self, f"_{block.language}")(block))
        except BaseException as error:
            error.add_note(f"{block.page.relative_to(CHECKOUT)}:{block.line}")
            raise

    def once(self, key: str, action: Any) -> None:
        if key not in self.done:
            action()
            self.done.add(key)

    def run(self, words: list[str]) -> None:
        """Run a command in this process; one that is not run here has its options looked up."""
        if re.fullmatch(r"[A-Z_]+=.*", words[0]):
            return self.run(words[1:])
        if words[0] == "cp":
            subprocess.run(words, cwd=self.place, check=True)
        elif found := command(words):
            result = CliRunner().invoke(APPS[found[0]], found[1])
            assert result.exit_code == 0, f"{shlex.join(words)}\n{result.output}\n{result.exception!r}"
        else:
            line = shlex.join(words)
            assert any(line.startswith(start) for start in NOT_HERE), f"what is {line}?"
            for word in words:
                look_up(shlex.split(word))

    def _python(self, block: Block) -> None:
        code = compile(block.text, str(block.page), "exec")
        if block.file:
            (self.place / block.file).write_text(block.text)
        else:
            exec(code, self.names)

    def _toml(self, block: Block) -> None:
        if block.file:
            with (self.place / block.file).open("a" if "at the end" in block.text.splitlines()[0] else "w") as file:
                file.write(f"\n{block.text}\n")
        table = tomllib.loads(block.text)
        if "compare" in table:
            whole = tomllib.loads((CHECKOUT / "simulations/quickstart.toml").read_text()) if "name" not in table else {}
            Experiment.from_table({**whole, **table})
        if "link" in table:
            (self.place / "network.toml").write_text(block.text)
            build_network("network.toml")

    def _json(self, block: Block) -> None:
        for line in block.text.splitlines():
            json.loads(line)


def command(words: list[str]) -> tuple[str, list[str]] | None:
    """Return which of fedasr's commands these words call, and its arguments."""
    if Path(words[0]).name == "python" and words[1:2] == ["-m"] and words[2].removeprefix("fedasr.") in APPS:
        return words[2].removeprefix("fedasr."), words[3:]
    return (words[1], words[2:]) if words[0] == "fedasr" and len(words) > 1 else None


def look_up(words: list[str]) -> None:
    """Parse the first of fedasr's commands among these words without running it."""
    for start in range(len(words)):
        if found := command(words[start:]):
            typer.main.get_command(APPS[found[0]]).make_context(found[0], list(found[1]))
            return
