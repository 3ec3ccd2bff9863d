from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedasr.report.tables.alignment import align, examples
from fedasr.runs.reading import read_run

Make = Callable[..., Any]


def hear(folder: Path, row: str, heard: dict[str, tuple[str, str]]) -> None:
    lines = (
        json.dumps({"id": key, "speaker": "s", "reference": said, "hypothesis": text})
        for key, (said, text) in heard.items()
    )
    (folder / row / "hypotheses.jsonl").write_text("\n".join(lines))


def test_every_kind_of_error() -> None:
    words = align("enter one two six", "enter nine two oh six please")
    assert [(word.kind, word.said, word.heard) for word in words] == [
        ("correct", "enter", "enter"), ("substitution", "one", "nine"), ("correct", "two", "two"),
        ("insertion", "", "oh"), ("correct", "six", "six"), ("insertion", "", "please"),
    ]  # fmt: skip
    assert [(word.kind, word.said) for word in align("go on", "on")] == [
        ("deletion", "go"),
        ("correct", "on"),
    ]


@pytest.mark.parametrize(("said", "heard"), [("", ""), ("", "oh oh"), ("yes no", ""), ("  yes ", "yes")])
def test_alignment_keeps_all_words(said: str, heard: str) -> None:
    words = align(said, heard)
    assert [word.said for word in words if word.said] == said.split()
    assert [word.heard for word in words if word.heard] == heard.split()


def test_worst_median_and_perfect_are_chosen(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg"), make_row("fedadam")])
    right = {key: (text, text) for key, text in (("a", "one"), ("b", "one two three"), ("c", "one two"))}
    hear(folder, "fedavg", {**right, "d": ("one two", "no no"), "e": ("one two", "one")})
    hear(folder, "fedadam", {**right, "d": ("one two", "one two"), "e": ("one two", "one two")})
    found = {example.id: example for example in examples(read_run(folder))}
    assert found["d"].chosen[0] == "worst of fedavg"
    assert found["b"].chosen[:1] == ("all right in fedavg",)
    assert "median of fedavg" in found["a"].chosen
    assert [line.row for line in found["d"].lines] == ["fedavg", "fedadam"]
    assert [line.errors for line in found["d"].lines] == [2, 0]


def test_the_choice_does_not_depend_on_the_order_of_lines(make_run: Make) -> None:
    folder = make_run()
    before = examples(read_run(folder))
    for path in folder.glob("*/hypotheses.jsonl"):
        path.write_text("\n".join(reversed(path.read_text().splitlines())))
    assert examples(read_run(folder)) == before
    assert len(before) <= 12


def test_a_row_without_an_utterance_is_left_out_of_it(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg"), make_row("fedadam")])
    hear(folder, "fedavg", {"a": ("one", "two")})
    hear(folder, "fedadam", {"b": ("one", "one")})
    assert {example.id: [line.row for line in example.lines] for example in examples(read_run(folder))} == {
        "a": ["fedavg"], "b": ["fedadam"],
    }  # fmt: skip


def test_no_hypotheses_no_examples(make_run: Make, make_row: Make) -> None:
    assert examples(read_run(make_run([make_row("fedavg", wer=None)]))) == []
