"""Own speakers and those left behind, on the page, on the terminal, and in a release."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.made_up_runs import speakers

from fedasr.report import write_page
from fedasr.report.pictures.silos import silos_picture
from fedasr.report.tables.comparison import HEADINGS, table_rows
from fedasr.report.tables.pairs import pair_tables
from fedasr.report.tables.plain import plain_table, table
from fedasr.report.words.findings import findings
from fedasr.report.words.groups import groups
from fedasr.runs.data import DECODED, GREEDY, LEFT_BEHIND, NEW_SPEAKERS, NOISY, OWN_SPEAKERS
from fedasr.runs.reading import read_run

Make = Callable[..., Any]
PROMISE = {"epsilon": 8.0, "delta": 1e-5, "privacy_unit": "silo", "epsilon_kind": "accountant"}


@pytest.fixture
def make_own(make_run: Make, make_row: Make) -> Make:
    """Return a function that writes a run whose rows have a WER on own speakers, and changes of their summaries."""

    def make(own: Mapping[str, float], **changes: Mapping[str, Any]) -> Path:
        folder: Path = make_run([make_row(name, wer=0.24, **changes.get(name, {})) for name in own], silos=20)
        (folder / "start").mkdir()
        about = {"key": "", "silos": [3, 17], "ranked": 20, "utterances": 10}
        (folder / "start" / "seed-1.left-behind.json").write_text(json.dumps(about))
        for name, wer in own.items():
            held = [{**line, "speaker": f"own{n}", "of": OWN_SPEAKERS} for n, line in enumerate(speakers(wer))]
            worst = [{**line, "of": LEFT_BEHIND} for line in held[-2:]]
            (folder / name / "speakers.json").write_text(json.dumps([*speakers(0.24), *held, *worst]))
        return folder

    return make


def _cells(folder: Path, place: int = 0, release: bool = False) -> dict[str, str]:
    return dict(zip(HEADINGS, map(str, table_rows(read_run(folder), release)[place].cells), strict=True))


def _terminal(folder: Path) -> str:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(table(read_run(folder)))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_own_speakers_stand_beside_new_ones_with_their_interval(make_own: Make) -> None:
    folder = make_own({"fedavg": 0.125, "local-only": 0.25})
    (group, _) = groups(read_run(folder))
    new, own, worst = (group.rate(of) for of in (NEW_SPEAKERS, OWN_SPEAKERS, LEFT_BEHIND))
    assert (new.value, own.value) == (0.24, 0.125)
    assert worst.value > own.value
    cells = _cells(folder)
    assert cells["WER %"].startswith("24.0 (")
    ends = [f"{100 * rate.low:.1f}–{100 * rate.high:.1f}" for rate in (own, worst)]
    assert cells["own %"] == f"12.5 ({ends[0]}, left behind {100 * worst.value:.1f}, {ends[1]})"
    assert "12.5" in plain_table(read_run(folder)).splitlines()[1]


def test_a_decoded_table_of_a_terminal_cuts_no_number(make_run: Make, make_row: Make) -> None:
    many = {"uplink_bytes": 694e6, "downlink_bytes": 282e6, "peak_memory_bytes": 2.79e9, "rounds": 12, "silos": 32}
    folder = make_run(
        [make_row("public-only", wer=0.24, wer_spread=(0.2, 0.3), **many), make_row("pate-gnmax", **PROMISE, **many)]
    )
    for name in ("public-only", "pate-gnmax"):
        lines = [{**line, "of": of, "decoding": decoding} for line in speakers(0.24)
                 for of in (NEW_SPEAKERS, OWN_SPEAKERS) for decoding in (GREEDY, DECODED)]  # fmt: skip
        (folder / name / "speakers.json").write_text(json.dumps(lines))
    words = _terminal(folder).split()
    assert [words.count(word) for word in ("694MB", "282MB", "2.8", "GB", "memory", "decoded")] == [2, 2, 2, 2, 1, 2]


def test_test_speech_with_noise_stands_under_the_clean_rate_and_in_pairs_of_its_own(
    make_run: Make, make_row: Make
) -> None:
    noisy = {"fedavg": 0.5, "bmuf": 0.375}
    folder = make_run([make_row(name, wer=0.24, private_speech=False) for name in noisy])
    clean = write_page(folder).read_text()
    for name, wer in noisy.items():
        lines = [{**line, "of": NOISY, "decoding": how} for line in speakers(wer) for how in (GREEDY, DECODED)]
        (folder / name / "speakers.json").write_text(json.dumps([*speakers(0.24), *lines]))
    data = read_run(folder)
    assert [group.wer().value for group in groups(data)] == [0.24, 0.24]
    ends = [f"{100 * rate.low:.1f}–{100 * rate.high:.1f}" for group in groups(data) if (rate := group.rate(NOISY))]
    for place, (wer, between) in enumerate(zip(noisy.values(), ends, strict=True)):
        told = f"noisy {100 * wer:.1f}, {between}, noisy decoded {100 * wer:.1f}, {between})"
        for release in (False, True):
            assert _cells(folder, place, release)["WER %"].endswith(told)
    assert ends[0] != ends[1]
    for release in (False, True):
        (of_noisy, decoded) = (found for found in pair_tables(data, release) if found.of == NOISY)
        assert (of_noisy.decoding, decoded.decoding) == (GREEDY, DECODED)
        assert dict(of_noisy.rows)["bmuf"][0].text.startswith("0.75 (")
        page = write_page(folder, release=release).read_text()
        assert "on new speakers, noisy, with the 95% interval" in page
        assert "Noisy: the test speakers’ speech once more" in page
    assert "oisy" not in clean
    text = _terminal(folder)
    assert max(map(len, text.splitlines())) <= 80
    assert text.split().count("noisy") == 4


def test_new_speakers_are_not_mixed_with_own_ones(make_own: Make) -> None:
    folder = make_own({"fedavg": 0.9})
    assert groups(read_run(folder))[0].wer().speakers == 8
    assert "own" not in json.dumps([picture.description for picture in silos_picture(read_run(folder))])


def test_the_terminal_shows_both_in_80_columns_and_says_who_is_left_behind(make_own: Make) -> None:
    text = _terminal(make_own({"fedavg": 0.125, "local-only": 0.25, "centralised": 0.1}))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    first = next(line for line in text.splitlines() if line.startswith("fedavg"))
    assert first.split()[1:4] == ["24.0", "12.5", "9.5"], "new, own, characters"
    told = " ".join(text.split())
    assert "Left behind: 2 of 20 silos (3 and 17), the tenth that the start serves worst" in told
    assert "WER % of those left behind: fedavg " in told


def test_a_release_shows_own_speakers_of_rows_that_carry_no_epsilon(make_own: Make) -> None:
    own = {"fedavg": 0.125, "private": 0.1875, "after": 0.15}
    folder = make_own(own, private=PROMISE, after={"epsilon_before": 8.0})
    assert _cells(folder, 1)["own %"].startswith("18.8")
    assert [_cells(folder, place, release=True)["own %"][:4] for place in range(3)] == ["12.5", "–", "–"]
    page = write_page(folder, release=True).read_text()
    assert "18.8" not in page
    assert "3 and 17" not in page
    whole = write_page(folder).read_text()
    assert "18.8" in whole
    assert "3 and 17" in whole
    assert not any(found.of == OWN_SPEAKERS for found in pair_tables(read_run(folder), release=True))
    assert any(found.of == OWN_SPEAKERS for found in pair_tables(read_run(folder)))


def test_whether_personalisation_helps_is_told_by_the_paired_interval(make_own: Make) -> None:
    alone = {"wer_spread": [0.1, 0.3]}
    own = {"public-only": 0.05, "fedavg": 0.25, "bmuf": 0.3, "local-only": 0.4, "fedper": 0.125, "private": 0.1}
    private = {**PROMISE, **alone}
    text = findings(read_run(make_own(own, **{"local-only": alone, "fedper": alone, "private": private})))
    assert "the best of silos' own models, fedper (12.5%), is not told apart from fedavg (25.0%)" in text
    assert "0.50 (" in text, "one seed calls no winner"


def test_without_models_of_their_own_nothing_is_said_of_personalisation(make_own: Make) -> None:
    assert "own speakers" not in findings(read_run(make_own({"fedavg": 0.25, "bmuf": 0.3})))


def test_silos_are_shown_on_what_they_hold_out(make_own: Make) -> None:
    folder = make_own({"fedavg": 0.2})
    scores = json.loads((folder / "fedavg" / "silos.json").read_text())
    (folder / "fedavg" / "silos.json").write_text(json.dumps({**scores, "on": "held out"}))
    (picture,) = silos_picture(read_run(folder))
    assert "holds out of its own: no row was trained on it" in picture.caption
    assert "flatters" not in picture.caption
