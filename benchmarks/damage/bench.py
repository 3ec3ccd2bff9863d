"""Copies of two runs, and what is done with them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from damage.acts import in_process
from damage.making import make_run, write_corpus

Act = Callable[[Path, str, list[str]], Any]
"""Does with a place what a word says, adds to what was told, returns the result; None where it is refused."""
CASES = (
    ("stopped", "resume"),
    *(("finished", act) for act in ("resume", "evaluate", "evaluate apart", "report", "replay")),
)
"""What can be done with which run."""


class Bench:
    """A run as it finished and one as it was stopped, each with its corpus, its features and a model apart.

    Parameters
    ----------
    root : Path
        An empty folder.
    act : callable
        Does what is to be done, by default in this process.
    """

    def __init__(self, root: Path, act: Act = in_process) -> None:
        self.root, self.place, self._act = root, root / "place", act
        os.environ["FEDASR_CACHE"] = str(self.place / "cache")
        write_corpus(self.place / "corpus")
        self._make("stopped", stops=True)
        self._make("finished", stops=False)
        undamaged = {case: self.outcome(*case) for case in CASES}
        self.expected = {case: found for case, (_, found) in undamaged.items()}
        self.usual = {case: frozenset(told) for case, (told, _) in undamaged.items()}

    def _make(self, state: str, stops: bool) -> None:
        folder, apart = self.place / "run", self.place / "model"
        shutil.rmtree(folder, ignore_errors=True)
        make_run(folder, self.place / "corpus", stops)
        apart.mkdir(exist_ok=True)
        if not stops:
            shutil.copy(folder / "fedavg" / "model.safetensors", apart)
        shutil.copytree(self.place, self.root / state)

    def restore(self, state: str) -> list[Path]:
        """Put everything back; return the files that may be damaged."""
        from fedasr.corpora.features.opened import forget_opened

        shutil.rmtree(self.place)
        shutil.copytree(self.root / state, self.place)
        forget_opened()
        files = sorted(path for path in self.place.rglob("*") if path.is_file() and path.stat().st_size)
        return [path for path in files if path.name not in (".lock", "report.html")]

    def outcome(
        self, state: str, act: str, damage: Callable[[list[Path]], object] | None = None
    ) -> tuple[list[str], Any]:
        """Do something with a damaged copy; return what was said, and the result where there is one."""
        files, told = self.restore(state), list[str]()
        if act == "evaluate apart":  # of speech that anybody may bring nobody knows what it was
            files = [path for path in files if "corpus" not in path.parts]
        if damage:
            damage(files)
        found = self._act(self.place, act, told)
        return told, found

    def should_come(self, state: str, act: str) -> Any:
        """Return what must come of the copy that lies there: of another row's whole model, apart, what that one gives.

        Nobody knows which model should lie there; damaged is what is less than a model, or another's in a run.
        """
        apart, rows = self.place / "model" / "model.safetensors", self.root / state / "run"
        if act == "evaluate apart" and apart.exists():
            for whole in sorted(rows.glob("*/model.safetensors")):
                if whole.read_bytes() == apart.read_bytes():
                    return self.outcome(state, act, lambda files, whole=whole: shutil.copy(whole, apart))[1]
        return self.expected[state, act]
