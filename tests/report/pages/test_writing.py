from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fedasr.common.errors import UserError
from fedasr.report import html_table, write_page

Make = Callable[..., Any]
VOID = {"meta", "br", "use", "link", "img", "input", "hr"}


class Checker(HTMLParser):
    """Collects ids, references and tags, and sees to it that tags close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.ids += [value or ""] if name == "id" else []
            self.references += [value or ""] if name in ("href", "src", "xlink:href", "srcset", "action") else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def written(folder: Path, release: bool = False) -> str:
    return write_page(folder, release).read_text("utf-8")


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        change(record)
    path.write_text("\n".join(map(json.dumps, records)))


def test_the_page_asks_for_nothing_outside(make_run: Make) -> None:
    text = written(make_run())
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in re.sub(r"url\(#[^)]*\)", "", text)
    assert "@import" not in text
    found = Checker(text)
    assert found.references
    assert all(reference.startswith("#") for reference in found.references)
    assert found.tags.count("script") == 1
    assert not {"link", "img", "iframe", "object"} & set(found.tags)


def test_the_page_is_well_formed_and_its_ids_are_unique(make_run: Make) -> None:
    text = written(make_run())
    found = Checker(text)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    pointed = set(found.references) | {f"#{name}" for name in re.findall(r"url\(#([^)]*)\)", text)}
    assert pointed <= {f"#{name}" for name in found.ids}
    labels = re.findall(r'aria-labelledby="([^"]*)"', text)
    assert set(labels) <= set(found.ids)


def test_every_figure_is_described_and_captioned(make_run: Make) -> None:
    text = written(make_run())
    assert text.count("<figure") == text.count("<figcaption>") == text.count('role="img" aria-label="') == 8
    assert text.count("<table") == text.count("<caption")
    assert "fedavg 23.7%" in text


def test_the_same_folder_gives_the_same_bytes(make_run: Make) -> None:
    folder = make_run()
    first = write_page(folder).read_bytes()
    assert write_page(folder).read_bytes() == first


def test_what_the_run_says_is_escaped(make_run: Make, make_row: Make, make_failed_row: Make) -> None:
    evil = "<script>alert(1)</script>"
    folder = make_run(
        [make_row(f"fedavg{evil}", folder="odd", note=evil), make_failed_row("gtc", evil)],
        experiment=evil,
        silos=3,
    )
    rewrite(folder / "odd/hypotheses.jsonl", lambda line: line.update(hypothesis=evil, speaker=evil))
    (folder / "experiment.toml").write_text(f'name = "{evil}"')
    (folder / "environment.json").write_text(json.dumps({"python": evil}))
    text = written(folder)
    assert text.count("<script") == 1
    assert text.count("&lt;script&gt;") > 10
    assert Checker(text).open == []


def test_errors_are_marked_by_more_than_colour(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("fedavg")])
    (folder / "fedavg/hypotheses.jsonl").write_text(
        '{"id": "a", "speaker": "s", "reference": "one two six", "hypothesis": "nine two six oh"}\n'
        '{"id": "b", "speaker": "s", "reference": "one two", "hypothesis": "one"}\n'
        '{"id": "c", "speaker": "s", "reference": "six", "hypothesis": "six"}\n'
    )
    text = written(folder)
    assert '<del>one</del><span class="hidden" dir="ltr"> heard as </span><b>nine</b>' in text
    assert '<span class="hidden" dir="ltr">inserted: </span><b>oh</b>' in text
    assert '<span class="hidden" dir="ltr">missed: </span><del>two</del>' in text


def test_a_release_leaves_out_the_simulators_view(make_run: Make, make_row: Make) -> None:
    rows = [make_row("local-only"), make_row("fedavg", epsilon=2.0, delta=1e-5, privacy_unit="speaker")]
    folder = make_run(rows)
    marks = (
        "Silo by silo",
        "Speaker by speaker",
        "Who holds the speech",
        "speaker17",
        "test3",
        "utterance0",
        "31–93",
    )
    full = written(folder)
    assert [mark for mark in marks if mark not in full] == []
    released = written(folder, release=True)
    assert [mark for mark in marks if mark in released] == []
    assert "are left out of this page" in released
    assert "23.7" in released


def test_the_simulators_view_is_told_where_a_row_promises(make_run: Make, make_row: Make) -> None:
    heading = "What a real party would not see"
    folder = make_run([make_row("fedavg")])
    assert heading not in written(folder)
    rewrite(folder / "summary.json", lambda summary: summary["rows"][0].update(epsilon=2.0))
    assert heading in written(folder)


def test_failures_and_torn_lines_are_on_the_page(make_run: Make, make_row: Make, make_failed_row: Make) -> None:
    folder = make_run([make_row("fedavg"), make_failed_row("gtc", "round 3: too few silos left")])
    with (folder / "fedavg/traffic.jsonl").open("a") as file:
        file.write('{"round": 31, "si')
    text = written(folder)
    assert "<strong>Failed:</strong> round 3: too few silos left" in text
    assert "fedavg/traffic.jsonl: 1 unreadable line(s) left out." in text


@pytest.mark.parametrize("silos", [1, 1000])
def test_one_silo_and_a_thousand(make_run: Make, make_row: Make, silos: int) -> None:
    path = write_page(make_run([make_row("centralised"), make_row("fedavg")], silos=silos))
    assert Checker(path.read_text("utf-8")).open == []
    assert path.stat().st_size < 1_000_000


def test_only_a_summary_is_enough(tmp_path: Path, make_failed_row: Make) -> None:
    summary = {
        "experiment": "an4",
        "seed": 1,
        "version": "0.1.0",
        "rows": [make_failed_row("fedavg", "disk full")],
    }
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    text = written(tmp_path)
    assert "No row finished." in text
    assert "Nothing was measured that could be drawn." in text


def test_seeds_are_one_row_of_the_table(make_run: Make, make_row: Make) -> None:
    rows = [make_row("fedavg", seed, folder=f"fedavg@{seed}") for seed in (1, 2)]
    text = written(make_run(rows))
    comparison = text[text.index('id="comparison"') : text.index('id="figures"')]
    assert comparison.count('<th scope="row">') == 1
    assert "<small>2 seeds</small>" in comparison
    assert "<dt>seeds</dt><dd>1, 2</dd>" in text


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    make_run: Make, make_row: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run([make_row("fedavg")], silos=2)
    before = written(folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_page(folder, release=True)
    assert (folder / "report.html").read_text("utf-8") == before
    assert [path.name for path in folder.iterdir() if path.name.startswith(".report")] == []


def test_the_table_alone_is_for_notebooks(make_run: Make, make_row: Make) -> None:
    text = html_table(make_run([make_row("fedavg", note="<b>")], silos=2))
    assert text.startswith("<table class=")
    assert "23.7" in text
    assert "&lt;b&gt;" in text
    assert Checker(text).open == []


@pytest.mark.parametrize("release", [False, True])
def test_the_one_script_is_the_one_whose_hash_the_policy_names(make_run: Make, release: bool) -> None:
    text = written(make_run(), release)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html.unescape(text)
