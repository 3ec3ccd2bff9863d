"""What a run says of its speech and errors, counted again by a script that knows neither fedasr nor jiwer."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jiwer
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from support.running import command, tiny_table
from support.scripts import script
from support.sound import manifest, record, row
from support.tree import CHECKOUT

SCRIPT = CHECKOUT / "benchmarks" / "recount.py"
TEXTS = ("one two", "Two  three", "three one one", "four")


recount = script("recount")


@given(*[st.lists(st.sampled_from(["a", "b", "c"]), max_size=7)] * 2)
def test_its_errors_are_those_of_another_count(reference: list[str], hypothesis: list[str]) -> None:
    errors, least, most = recount.distance(reference, hypothesis)
    if reference:
        other = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
        assert errors == other.insertions + other.deletions + other.substitutions
        assert least <= other.substitutions <= most
    assert (errors, least, most) == recount.distance(hypothesis, reference)


@pytest.mark.parametrize(("reference", "hypothesis", "found"), [
    ("abc", "abc", (0, 0, 0)),
    ("", "ab", (2, 0, 0)),
    ("abc", "axc", (1, 1, 1)),
    ("ab", "ba", (2, 0, 2)),  # two substitutions, or one of each of the others
])  # fmt: skip
def test_a_split_is_told_as_far_as_it_is_fixed(reference: str, hypothesis: str, found: tuple[int, int, int]) -> None:
    assert recount.distance(reference, hypothesis) == found


def test_it_imports_neither_fedasr_nor_jiwer() -> None:
    imports = [n for n in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8"))) if hasattr(n, "names")]
    names = {getattr(node, "module", None) or alias.name for node in imports for alias in node.names}
    assert not {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"__future__"}


def _again(run: Path, speech: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, run, speech], capture_output=True, text=True, timeout=60)


def test_a_run_is_counted_again(tmp_path: Path) -> None:
    rows: list[dict[str, object] | str] = []
    for number in range(28):
        record(tmp_path / f"{number}.flac", 0.4 + number / 97, seed=number)
        stated = round(0.4 + number / 97, 2)
        rows.append(row(f"{number}.flac", duration=stated, text=TEXTS[number % 4], speaker=f"s{number % 7}"))
    speech, run, file = manifest(tmp_path, *rows), tmp_path / "run", tmp_path / "mine.toml"
    file.write_text(tomli_w.dumps(tiny_table(corpus={"kind": "manifest"}, training={"silos_per_round": 0})))
    assert command("fedasr.simulate", file, "--data", speech, "--grid", "process", "--out", run).code == 0
    done = _again(run, speech)
    assert done.returncode == 0, done.stdout
    assert "28 utterances, 7 speakers" in done.stdout
    for name, change in (("summary.json", _one_more_substitution), ("corpus.json", _a_little_more_speech)):
        told = json.loads((run / name).read_text())
        change(told)
        (run / name).write_text(json.dumps(told))
    done = _again(run, speech)
    assert done.returncode == 1
    wrong = [" ".join(line.split()[:2]) for line in done.stdout.splitlines()]
    assert {"public-only: wer", "public-only: errors", "all in"} <= set(wrong)


def _one_more_substitution(summary: dict[str, Any]) -> None:
    summary["rows"][0]["substitutions"] += 1
    summary["rows"][0]["wer"] += 1e-9


def _a_little_more_speech(corpus: dict[str, Any]) -> None:
    corpus["corpora"]["corpus"]["extent"]["hours"] += 2e-6
